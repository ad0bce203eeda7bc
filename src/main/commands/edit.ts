import { stringify } from 'yaml';
import { isRecord } from '../../lib/is-record.ts';
import { sameData } from '../../lib/same-data.ts';
import { EXIT, type Given, type Io } from '../command-line.ts';
import { ACCOUNT_FLAGS, editAccount, refuseAccountFlags } from '../remote/accounts.ts';
import { type AdminClient, AdminFailure, type AdminReply } from '../remote/admin-client.ts';
import { API_FLAGS, hasApiFlags, withApiFlags } from '../remote/api-flags.ts';
import { CHANGE_FLAGS } from '../remote/change-flags.ts';
import { InputFailure, isTold, remoteCommand, UsageError } from '../remote/connect.ts';
import { type Document, entityOf, readEntity } from '../remote/documents.ts';
import { Draft } from '../remote/draft.ts';
import { accountKindNamed, collectionNamed, type Kind, singular } from '../remote/kinds.ts';
import { changeQuery, reportChange } from '../remote/report-change.ts';
import { located } from '../remote/written-place.ts';

export const editCommand = remoteCommand({
  name: 'edit',
  summary: 'Change something of a running gateway, by flags, by a file or in an editor',
  details: [
    'Without flags that say what to change, it is opened as YAML in VISUAL or EDITOR, and put into force when that ends.',
    'Somebody else’s change meanwhile is not overwritten. What is refused is kept, and can be edited again.',
  ].join('\n'),
  arguments: [
    {
      name: 'kind',
      required: true,
      description: 'api, service, route, consumer and so on; user, service-account, membership',
    },
    { name: 'name', required: true, description: 'Its name' },
  ],
  flags: {
    file: {
      short: 'f',
      value: 'file',
      description: 'YAML or JSON with what it is to be instead; - is the standard input',
    },
    ...API_FLAGS,
    title: ACCOUNT_FLAGS.title,
    password: ACCOUNT_FLAGS.password,
    role: ACCOUNT_FLAGS.role,
    ...CHANGE_FLAGS,
  },
  examples: [
    'portcullis edit api hello',
    'portcullis edit api hello --disable',
    'portcullis edit api hello --function hello-2 --method GET --method POST',
    'portcullis edit service users -f users.yaml',
  ],
  async run(given, io, client) {
    const [kind = '', name = ''] = given.args;
    const account = accountKindNamed(kind);
    if (account !== undefined) return editAccount(account, name, given, io, client);
    refuseAccountFlags(given);
    const collection = collectionNamed(kind);
    const entity = new RemoteEntity(client, collection, name, given);
    const hasFlags = hasApiFlags(given);
    if (hasFlags && collection !== 'apis') throw new UsageError('these flags are for APIs: edit it without');
    const file = given.value('file');
    if (file === undefined && !hasFlags) return inEditor(entity, given, io);
    const written = file === undefined ? undefined : await readEntity(file, collection, name, io);
    const change = () =>
      entity.change((current) => withApiFlags(written === undefined ? current : written.value, given));
    const reply = await (written === undefined ? change() : located(written, io, change));
    return reportChange(reply, entity.done, given, io);
  },
});

/** Whoever gave no version does not hear that somebody was quicker: it is done again with what is there then. */
const MAX_TRIES = 10;

class RemoteEntity {
  readonly collection: Kind;
  readonly name: string;
  readonly done: string;
  readonly #client: AdminClient;
  readonly #path: string;
  readonly #given: Given;

  constructor(client: AdminClient, collection: Kind, name: string, given: Given) {
    this.collection = collection;
    this.name = name;
    this.done = `${singular(collection)} ${name} changed`;
    this.#client = client;
    this.#path = `/v1/${collection}/${encodeURIComponent(name)}`;
    this.#given = given;
  }

  /** As it is written, and its version. */
  async read(): Promise<{ readonly value: Document; readonly etag: string | undefined }> {
    const { body, etag } = await this.#client.call('GET', this.#path);
    if (!isRecord(body)) throw new AdminFailure('the gateway answered something that is no entity');
    // Without what only the gateway says of it.
    const { meta: _, name: __, ...value } = body;
    return { value, etag };
  }

  /** Replaces that version of it. */
  replace(value: Document, etag: string | undefined): Promise<AdminReply> {
    const fields: Readonly<Record<string, string>> = etag === undefined ? {} : { 'if-match': etag };
    return this.#client.call('PUT', this.#path, { query: changeQuery(this.#given), body: value, fields });
  }

  async change(changed: (current: Document) => Document): Promise<AdminReply> {
    for (let attempt = 1; ; attempt++) {
      const { value, etag } = await this.read();
      try {
        return await this.replace(changed(value), etag);
      } catch (error) {
        if (!isOutdated(error) || attempt === MAX_TRIES) throw error;
      }
    }
  }
}

function isOutdated(error: unknown): boolean {
  return error instanceof AdminFailure && error.status === 412;
}

async function inEditor(entity: RemoteEntity, given: Given, io: Io): Promise<number> {
  const { collection, name } = entity;
  const editor = io.env['VISUAL'] || io.env['EDITOR'];
  if (editor === undefined)
    throw new UsageError('there is no editor: set EDITOR, or say by flags what to change');
  const { value: before, etag } = await entity.read();
  const draft = await Draft.begin(`${singular(collection)}.yaml`, stringify(before, { lineWidth: 0 }));
  const kept = `it is kept: portcullis edit ${singular(collection)} ${name} -f ${draft.file}`;
  for (;;) {
    try {
      const text = await draft.edit(editor);
      const written =
        text.trim() === '' ? undefined : entityOf({ file: draft.file, text }, collection, name, io);
      if (written === undefined || sameData(before, written.value)) {
        io.err('Nothing was changed.\n');
        await draft.remove();
        return EXIT.ok;
      }
      const reply = await located(written, io, () => entity.replace(written.value, etag));
      if (given.has('dry-run')) io.err(`${kept}\n`);
      else await draft.remove();
      return reportChange(reply, entity.done, given, io);
    } catch (error) {
      if (!(await draft.isWorked())) {
        await draft.remove();
        throw error;
      }
      if (!isTold(error)) throw error;
      // Another version is there: whoever edits has to see that first.
      const again = isOutdated(error) ? undefined : io.confirm;
      if (again !== undefined) {
        io.err(`portcullis edit: ${error.message}\n`);
        if (await again('Edit it again?')) continue;
        throw new AdminFailure(kept);
      }
      const message = `${error.message}\n${kept}`;
      if (error instanceof AdminFailure) throw new AdminFailure(message, error.refusal);
      throw error instanceof UsageError ? new UsageError(message) : new InputFailure(message);
    }
  }
}
