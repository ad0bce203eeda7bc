import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { isRecord } from '../../lib/is-record.ts';
import { sameData } from '../../lib/same-data.ts';
import { EXIT, type Given, type Io } from '../command-line.ts';
import { type AdminClient, AdminFailure } from '../remote/admin-client.ts';
import { API_FLAGS, apiFields } from '../remote/api-flags.ts';
import { CHANGE_FLAGS } from '../remote/change-flags.ts';
import { remoteCommand, UsageError } from '../remote/connect.ts';
import { type Document, documentOf } from '../remote/documents.ts';
import { collectionNamed, singular } from '../remote/kinds.ts';
import { reportChange } from '../remote/report-change.ts';

export const editCommand = remoteCommand({
  name: 'edit',
  summary: 'Change something of a running gateway, by flags or in an editor',
  details: [
    'Without flags that say what to change, it is opened as YAML in VISUAL or EDITOR, and put into force when that ends.',
    'Somebody else’s change meanwhile is not overwritten.',
  ].join('\n'),
  arguments: [
    { name: 'kind', required: true, description: 'api, service, route, consumer and so on' },
    { name: 'name', required: true, description: 'Its name' },
  ],
  flags: { ...API_FLAGS, ...CHANGE_FLAGS },
  examples: [
    'portcullis edit api hello',
    'portcullis edit api hello --disable',
    'portcullis edit api hello --function hello-2 --method GET --method POST',
  ],
  async run(given, io, client) {
    const [kind = '', name = ''] = given.args;
    const collection = collectionNamed(kind);
    const path = `/v1/${collection}/${encodeURIComponent(name)}`;
    const done = `${singular(collection)} ${name} changed`;
    const patch = apiFields(given);
    const query = { message: given.value('message'), 'dry-run': given.has('dry-run') || undefined };
    if (Object.keys(patch).length > 0) {
      if (collection !== 'apis') throw new UsageError('these flags are for APIs: edit it without');
      // What pointed to the other kind of target does not any more (RFC 7396: null takes away).
      if ('service' in patch) patch['function'] = null;
      else if ('function' in patch) patch['service'] = null;
      return reportChange(await client.call('PATCH', path, { query, body: patch }), done, given, io);
    }
    return inEditor(path, query, done, given, io, client);
  },
});

async function inEditor(
  path: string,
  query: Readonly<Record<string, string | boolean | undefined>>,
  done: string,
  given: Given,
  io: Io,
  client: AdminClient,
): Promise<number> {
  const { body, etag } = await client.call('GET', path);
  const before = ownFields(body);
  const after = await edited(before, io);
  if (after === undefined || sameData(before, after)) {
    io.err('Nothing was changed.\n');
    return EXIT.ok;
  }
  const fields: Readonly<Record<string, string>> = etag === undefined ? {} : { 'if-match': etag };
  return reportChange(await client.call('PUT', path, { query, body: after, fields }), done, given, io);
}

/** Without what only the gateway says of it. */
function ownFields(body: unknown): Document {
  if (!isRecord(body)) throw new AdminFailure('the gateway answered something that is no entity');
  const { meta: _, name: __, ...own } = body;
  return own;
}

/** What is left of it after an editor; undefined where it was emptied. Throws `UsageError`, which names the kept file where that cannot be read. */
async function edited(value: Document, io: Io): Promise<Document | undefined> {
  const editor = io.env['VISUAL'] || io.env['EDITOR'];
  if (editor === undefined)
    throw new UsageError('there is no editor: set EDITOR, or say by flags what to change');
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-edit-'));
  const file = join(folder, 'entity.yaml');
  await writeFile(file, stringify(value, { lineWidth: 0 }), { mode: 0o600 });
  await run(editor, file);
  const text = await readFile(file, 'utf8');
  if (text.trim() === '') {
    await rm(folder, { recursive: true });
    return undefined;
  }
  // A file that cannot be read stays, so that the work is not lost.
  const document = documentOf(file, text, io);
  await rm(folder, { recursive: true });
  return document;
}

/** As git does: the editor may have arguments, so that a shell reads it. */
function run(editor: string, file: string): Promise<void> {
  const child = spawn('sh', ['-c', `${editor} "$1"`, 'sh', file], { stdio: 'inherit' });
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(new UsageError(`the editor cannot be started: ${error.message}`)));
    child.once('exit', (code) =>
      code === 0 ? resolve() : reject(new AdminFailure(`the editor ended with ${code}: nothing was changed`)),
    );
  });
}
