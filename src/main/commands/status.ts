import { setTimeout } from 'node:timers/promises';
import { isRecord } from '../../lib/is-record.ts';
import { parseDuration } from '../../lib/units.ts';
import { EXIT, type Given, type Io } from '../command-line.ts';
import { type AdminClient, AdminFailure } from '../remote/admin-client.ts';
import { remoteCommand, UsageError } from '../remote/connect.ts';
import { cell, dataText, OUTPUT_FLAG, outputForm, printable, tableText } from '../remote/output.ts';

type Fields = Readonly<Record<string, unknown>>;

export const statusCommand = remoteCommand({
  name: 'status',
  summary: 'Say how far the nodes of a running gateway are, or one API on each of them',
  details: 'Exit code 0: everything is in force everywhere; 1: something is pending or in error.',
  arguments: [{ name: 'api', description: 'One API; default: the nodes' }],
  flags: {
    output: OUTPUT_FLAG,
    wait: { description: 'Until it is so, and then say it' },
    timeout: { value: 'time', description: 'With --wait: how long, such as 2m; default 30s' },
  },
  examples: ['portcullis status', 'portcullis status hello -o json', 'portcullis status --wait --timeout 1m'],
  async run(given, io, client) {
    const [api] = given.args;
    const form = outputForm(given);
    const body = await settledStatus(client, api, waitMs(given));
    const nodes = nodesOf(body);
    if (form === 'json' || form === 'yaml') io.out(dataText(body, form));
    else if (form === 'name') io.out(nodes.map(({ node }) => `${printable(String(node))}\n`).join(''));
    else if (api === undefined) printNodes(body, nodes, io);
    else printApi(api, body, nodes, io);
    return isSettled(body, api) ? EXIT.ok : EXIT.failed;
  },
});

const POLL_MS = 250;
const DEFAULT_WAIT = '30s';

/** 0: not at all. */
function waitMs(given: Given): number {
  const text = given.value('timeout');
  if (!given.has('wait')) {
    if (text !== undefined) throw new UsageError('--timeout is for --wait');
    return 0;
  }
  const ms = parseDuration(text ?? DEFAULT_WAIT);
  if (ms === undefined) throw new UsageError(`--timeout is a time such as 30s, not ${JSON.stringify(text)}`);
  return ms;
}

/** The status when everything is in force, or what it is when the time is over. A gateway that does not answer yet is waited for, too. */
async function settledStatus(
  client: AdminClient,
  api: string | undefined,
  patienceMs: number,
): Promise<Fields> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const isLast = performance.now() >= deadline;
    try {
      const body = await statusOf(client, api);
      if (isLast || isSettled(body, api)) return body;
    } catch (error) {
      if (isLast || !(error instanceof AdminFailure) || (error.status ?? 503) < 500) throw error;
    }
    await setTimeout(Math.min(POLL_MS, Math.max(0, deadline - performance.now())));
  }
}

function nodesOf({ nodes }: Fields): readonly Fields[] {
  return Array.isArray(nodes) ? nodes.filter(isRecord) : [];
}

async function statusOf(client: AdminClient, api: string | undefined): Promise<Fields> {
  const path = api === undefined ? '/v1/status' : `/v1/apis/${encodeURIComponent(api)}/status`;
  const { body } = await client.call('GET', path);
  return isRecord(body) ? body : {};
}

function printNodes(body: Fields, nodes: readonly Fields[], io: Io): void {
  io.out(`revision ${cell(body['revision'])}\n`);
  const rows = nodes.map(({ node, revision, seenAt, fromSnapshot, problems }) => [
    cell(node),
    cell(revision),
    cell(seenAt),
    fromSnapshot === true ? 'yes' : 'no',
    cell(reasonsOf(problems)),
  ]);
  io.out(tableText(['node', 'revision', 'seen', 'from snapshot', 'problems'], rows));
}

function printApi(api: string, body: Fields, nodes: readonly Fields[], io: Io): void {
  const reason = typeof body['reason'] === 'string' ? `: ${body['reason']}` : '';
  io.out(`${printable(`${api} is ${cell(body['status'])}${reason}`)}\n`);
  if (nodes.length === 0) return;
  const rows = nodes.map(({ node, status, reason: why }) => [cell(node), cell(status), cell(why)]);
  io.out(tableText(['node', 'status', 'reason'], rows));
}

function reasonsOf(problems: unknown): readonly string[] {
  if (!Array.isArray(problems)) return [];
  return problems.filter(isRecord).map(({ path, message }) => `${cell(path)}: ${cell(message)}`);
}

function isSettled(body: Fields, api: string | undefined): boolean {
  if (api !== undefined) return body['status'] === 'ready';
  return nodesOf(body).every(({ behind, problems }) => behind === 0 && reasonsOf(problems).length === 0);
}
