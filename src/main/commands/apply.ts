import { EXIT } from '../command-line.ts';
import { planText, readChange } from '../remote/change-text.ts';
import { remoteCommand } from '../remote/connect.ts';
import { readDocuments } from '../remote/documents.ts';
import { confirmed, YES_FLAG } from '../remote/output.ts';
import { CHANGE_FLAGS } from './create.ts';

export const applyCommand = remoteCommand({
  name: 'apply',
  summary: 'Make a running gateway have what files say, after showing what changes',
  details: [
    'The files hold parts of a configuration: services, routes, apis and so on. All of it is put into force, or nothing.',
    'What is not in the files stays, unless --prune is given. On a terminal it asks before it acts; elsewhere say --yes.',
  ].join('\n'),
  arguments: [],
  flags: {
    file: {
      short: 'f',
      value: 'file',
      repeatable: true,
      description: 'YAML or JSON; - is the standard input',
    },
    prune: { description: 'Delete from the store what is not in the files' },
    yes: YES_FLAG,
    ...CHANGE_FLAGS,
  },
  examples: [
    'portcullis apply -f gateway.yaml',
    'portcullis apply -f services.yaml -f apis.yaml --prune --yes',
  ],
  async run(given, io, client) {
    const body = await readDocuments(given.values('file'), io);
    const query = { prune: given.has('prune') || undefined };
    const planned = await client.call('POST', '/v1/apply', { query: { ...query, 'dry-run': true }, body });
    const plan = readChange(planned.body);
    if (plan.changes.length === 0) {
      io.out('Nothing to change.\n');
      return EXIT.ok;
    }
    io.out(planText(plan, io));
    if (given.has('dry-run')) return EXIT.ok;
    if (!(await confirmed(given, io, 'Apply this?'))) {
      io.err('Nothing was changed.\n');
      return EXIT.failed;
    }
    // What was shown is what is done: a change of somebody else's in between refuses.
    const done = await client.call('POST', '/v1/apply', {
      query: { ...query, message: given.value('message'), follows: plan.revision },
      body,
    });
    io.out(`Applied as revision ${readChange(done.body).revision}.\n`);
    return EXIT.ok;
  },
});
