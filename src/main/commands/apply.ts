import { CHANGE_FLAGS, scopeOf } from '../remote/change-flags.ts';
import { remoteCommand } from '../remote/connect.ts';
import { readDocuments } from '../remote/documents.ts';
import { YES_FLAG } from '../remote/output.ts';
import { makePlanned } from '../remote/planned-change.ts';
import { located } from '../remote/written-place.ts';

export const applyCommand = remoteCommand({
  name: 'apply',
  summary: 'Make a running gateway have what files say, after showing what changes',
  details: [
    'The files hold parts of a configuration: services, routes, apis and so on. All of it is put into force, or nothing.',
    'A file may hold several documents; what is of the process, such as listeners, is left out with a warning.',
    'What is not in the files stays, unless --prune is given; a list of policies takes the place of the list before. On a terminal it asks before it acts; elsewhere say --yes.',
  ].join('\n'),
  arguments: [],
  flags: {
    file: {
      short: 'f',
      value: 'file',
      repeatable: true,
      description: 'YAML or JSON, a folder of such, or - for the standard input',
    },
    prune: { description: 'Delete from the store what is not in the files' },
    organization: {
      value: 'name',
      description: 'Change and delete what belongs to this organization alone',
    },
    yes: YES_FLAG,
    ...CHANGE_FLAGS,
  },
  examples: [
    'portcullis apply -f gateway.yaml',
    'portcullis apply -f services.yaml -f apis.yaml --prune --yes',
    'portcullis apply -f acme/ --organization acme --prune --yes',
  ],
  async run(given, io, client) {
    const written = await readDocuments(given.values('file'), io);
    const query = scopeOf(given);
    const { value: body } = written;
    const change = { path: '/v1/apply', query, body, question: 'Apply this?', done: 'Applied' };
    return located(written, io, () => makePlanned(change, given, io, client));
  },
});
