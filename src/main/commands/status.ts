import { isRecord } from '../../lib/is-record.ts';
import { EXIT, type Io } from '../command-line.ts';
import type { AdminClient } from '../remote/admin-client.ts';
import { remoteCommand } from '../remote/connect.ts';
import { cell, dataText, OUTPUT_FLAG, outputForm, printable, tableText } from '../remote/output.ts';

type Fields = Readonly<Record<string, unknown>>;

export const statusCommand = remoteCommand({
  name: 'status',
  summary: 'Say how far the nodes of a running gateway are, or one API on each of them',
  details: 'Exit code 0: everything is in force everywhere; 1: something is pending or in error.',
  arguments: [{ name: 'api', description: 'One API; default: the nodes' }],
  flags: { output: OUTPUT_FLAG },
  examples: ['portcullis status', 'portcullis status hello -o json'],
  async run(given, io, client) {
    const [api] = given.args;
    const form = outputForm(given);
    const body = await statusOf(client, api);
    const nodes = Array.isArray(body['nodes']) ? body['nodes'].filter(isRecord) : [];
    if (form === 'json' || form === 'yaml') io.out(dataText(body, form));
    else if (form === 'name') io.out(nodes.map(({ node }) => `${printable(String(node))}\n`).join(''));
    else if (api === undefined) printNodes(body, nodes, io);
    else printApi(api, body, nodes, io);
    return isSettled(body, nodes, api) ? EXIT.ok : EXIT.failed;
  },
});

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

function isSettled(body: Fields, nodes: readonly Fields[], api: string | undefined): boolean {
  if (api !== undefined) return body['status'] === 'ready';
  return nodes.every(({ behind, problems }) => behind === 0 && reasonsOf(problems).length === 0);
}
