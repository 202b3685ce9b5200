"""The candidates under chaos: each module is a program."""
