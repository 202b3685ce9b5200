// Work for the leader alone, in another language: asks the sidecar beside it (tenure sidecar --http=:4040).
//
// /events tells at once who leads: nothing is polled while another does. Before each step /leader says for
// how long this one leads for sure: valid_for_ms counts from when the request was sent. All that is written
// carries the fencing token and the election's name, and its target refuses a lower token than it has seen (412):
// nothing else helps where this process is frozen after it has asked. At SIGTERM it ends at once: so does the
// term of its sidecar.
//
//     SIDECAR=http://localhost:4040 node examples/sidecar_client.js http://localhost:8080/
'use strict';

const os = require('node:os');
const { setTimeout: sleep } = require('node:timers/promises');

const sidecar = process.env.SIDECAR ?? 'http://localhost:4040';
const [target] = process.argv.slice(2);
const PAUSE_MS = 1000;
const MARGIN_MS = 100; // what is left of the term when a step must be over

const now_ms = () => os.uptime() * 1000; // runs on while the machine is suspended, unlike performance.now()

let told = { is_leader: false, holder: null }; // by /events: whether it is worth while to ask
let working = false;

// Ask whether we lead; the answer is good until a moment of our own clock.
async function askForTerm() {
  const sent_ms = now_ms();
  const response = await fetch(`${sidecar}/leader`);
  const answer = await response.json();
  return answer.is_leader ? { ...answer, until_ms: sent_ms + answer.valid_for_ms } : null;
}

// One step of the work, which takes no longer than the term is sure to last.
async function step(term) {
  const left_ms = Math.floor(term.until_ms - MARGIN_MS - now_ms());
  if (left_ms <= 0) return;
  const response = await fetch(target, {
    method: 'POST',
    headers: { 'Tenure-Fencing-Token': term.token, 'Tenure-Election': term.election },
    body: `written by ${term.identity}`,
    signal: AbortSignal.timeout(left_ms),
  });
  const answer = await response.text();
  console.log(`step with token ${term.token}: status ${response.status} ${answer.trim()}`);
}

async function workWhileLeading() {
  if (working) return;
  working = true;
  while (told.is_leader) {
    try {
      const term = await askForTerm();
      if (term) await step(term);
    } catch (error) {
      console.log(`no step: ${error.message}`);
    }
    await sleep(PAUSE_MS);
  }
  working = false;
}

// Yield the data of every server-sent event, until the stream ends.
async function* events() {
  const response = await fetch(`${sidecar}/events`);
  let text = '';
  for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
    const blocks = (text + piece).split('\n\n');
    text = blocks.pop();
    for (const block of blocks) {
      const data = block.split('\n').find((line) => line.startsWith('data: '));
      if (data) yield JSON.parse(data.slice('data: '.length));
    }
  }
}

async function main() {
  for (;;) {
    try {
      for await (told of events()) {
        console.log(`leader: ${told.holder ?? `unknown, ${told.reason}`}`);
        if (told.is_leader) workWhileLeading();
      }
    } catch (error) {
      console.log(`no sidecar at ${sidecar}: ${error.message}`);
    }
    told = { is_leader: false, holder: null };
    await sleep(PAUSE_MS);
  }
}

main();
