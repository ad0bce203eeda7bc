import { isRecord } from '../../lib/is-record.ts';
import { EXIT, type Given, type Io } from '../command-line.ts';
import { type AdminClient, AdminFailure } from './admin-client.ts';
import { planText, readChange } from './change-text.ts';
import { UsageError } from './connect.ts';
import { readEntity } from './documents.ts';
import { dataText, printable, textOrData } from './output.ts';

/** What `create` and `delete` call one credential of a consumer. */
export const CREDENTIAL_KIND = 'credential';

/** Gives a consumer one more API key, which the gateway makes and which is printed alone; or what a file says. The exit code. */
export async function createCredential(
  name: string,
  given: Given,
  io: Io,
  client: AdminClient,
): Promise<number> {
  const form = textOrData(given);
  const [consumer = '', id] = partsOf(name);
  const file = given.value('file');
  if ((file === undefined) === (id === undefined))
    throw new UsageError('write <consumer>/<name of the key>, or <consumer> and what it is with -f');
  const sent =
    file === undefined ? { apiKey: { id } } : (await readEntity(file, 'consumers', consumer, io)).value;
  const path = `/v1/consumers/${encodeURIComponent(consumer)}/credentials`;
  const query = { message: given.value('message'), 'dry-run': given.has('dry-run') || undefined };
  const { body } = await client.call('POST', path, { query, body: sent });
  if (form !== 'text') io.out(dataText(body, form));
  else if (given.has('dry-run')) io.out(planText(readChange(body), io));
  else {
    if (!isRecord(body)) throw new AdminFailure('the gateway answered something that is no credential');
    const { kind, id: called, key } = body;
    io.err(
      printable(
        `${String(kind)} ${String(called)} of ${consumer}${key === undefined ? '' : ': told this once'}`,
      ).concat('\n'),
    );
    // Alone, so that it can be put away without being seen.
    if (typeof key === 'string') io.out(`${key}\n`);
  }
  return EXIT.ok;
}

/** Revokes one: `alice/phone` is an API key, `alice/certificates/sha256:…` says what else. The exit code. */
export async function deleteCredential(
  name: string,
  given: Given,
  io: Io,
  client: AdminClient,
): Promise<number> {
  const form = textOrData(given);
  const [consumer = '', second, ...rest] = partsOf(name);
  if (second === undefined) throw new UsageError('write <consumer>/<name of the key>');
  const [kind, id] = rest.length === 0 ? ['api-keys', second] : [second, rest.join('/')];
  const path = ['/v1/consumers', consumer, 'credentials', kind, id].map((part, index) =>
    index === 0 ? part : encodeURIComponent(part),
  );
  const query = { message: given.value('message'), 'dry-run': given.has('dry-run') || undefined };
  const { body } = await client.call('DELETE', path.join('/'), { query });
  if (given.has('dry-run')) io.out(form === 'text' ? planText(readChange(body), io) : dataText(body, form));
  else io.out(`${printable(`${kind} ${id} of ${consumer} revoked`)}\n`);
  return EXIT.ok;
}

function partsOf(name: string): string[] {
  const parts = name.split('/');
  if (parts.includes('')) throw new UsageError(`${JSON.stringify(name)} is not <consumer>/<name of the key>`);
  return parts;
}
