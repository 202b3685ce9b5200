"""Boot time: the one local clock of tenure. It runs on through suspend, and no wall-clock step moves it."""
