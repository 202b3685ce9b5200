// One member of democracy.js, which reports what happens to it: node member.js OPTIONS
//
// OPTIONS is a JSON object: package (the folder of democracy), id, source, peers, weight, interval and timeout
// (milliseconds), channels, events (names of events of the application to report), bootOffset (seconds by which
// CLOCK_BOOTTIME is ahead of CLOCK_MONOTONIC; see boot_offset in tests/democracy/real.py).
//
// It prints one JSON object a line: event ("started", "added", "removed", "leader", "elected", "resigned", an
// event of the application, or "answer"), identity (its own), leader (whom it takes for the leader, or ""), about
// (the id of the member in question, or the data that came), boottime and wall (seconds).
//
// An event "do" from anybody makes it call one of its methods: {"event": "do", "id": "anybody",
// "extra": {"call": "resign", "args": []}}. It then prints an "answer", about the id of the member that the
// method returned, if it did.
'use strict';

const options = JSON.parse(process.argv[2]);
const Democracy = require(options.package);
const member = new Democracy(options);

function report(event, about) {
  const leader = member.leader();
  const boottime = Number(process.hrtime.bigint()) / 1e9 + (options.bootOffset || 0);
  const line = {event, identity: options.id, leader: leader ? leader.id : '', about, boottime, wall: Date.now() / 1e3};
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

member.socket.on('listening', () => report('started', null));
for (const event of ['added', 'removed', 'leader', 'elected', 'resigned']) {
  // A forged event brings data of its own, or none.
  member.on(event, (about) => report(event, about && about.id ? about.id : null));
}
for (const event of options.events || []) {
  member.on(event, (data) => report(event, data));
}
member.on('do', ({call, args}) => {
  const answer = member[call](...args);
  report('answer', answer && answer.id ? answer.id : null);
});
