import { parentPort } from 'node:worker_threads';
import { LoadGauge } from './load-gauge.ts';

/** A thread that holds about 40 MiB of its heap, and tells what share of its memory it has used. */
const held = Array.from({ length: 40 }, () => Array.from({ length: 131_072 }, (_, i) => i + 0.5));
const gauge = new LoadGauge();
parentPort?.postMessage(gauge.read().memoryShare, []);
gauge.close();
if (held.length === 0) throw new Error('nothing is held');
