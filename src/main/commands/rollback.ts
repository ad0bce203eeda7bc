import { CHANGE_FLAGS } from '../remote/change-flags.ts';
import { remoteCommand, UsageError } from '../remote/connect.ts';
import { YES_FLAG } from '../remote/output.ts';
import { makePlanned } from '../remote/planned-change.ts';

export const rollbackCommand = remoteCommand({
  name: 'rollback',
  summary: 'Make a running gateway what it was at an earlier revision',
  details:
    'That is a new revision itself, so that it can be taken back, too. `portcullis get revisions` lists them.',
  arguments: [{ name: 'revision', required: true, description: 'Its number; 0 is the empty store' }],
  flags: { yes: YES_FLAG, ...CHANGE_FLAGS },
  examples: ['portcullis rollback 41'],
  async run(given, io, client) {
    const [revision = ''] = given.args;
    if (!/^\d{1,15}$/.test(revision))
      throw new UsageError(`${JSON.stringify(revision)} is not a number of a revision`);
    const path = `/v1/revisions/${Number(revision)}/rollback`;
    return makePlanned({ path, question: 'Roll back?', done: 'Rolled back' }, given, io, client);
  },
});
