import { EXIT } from '../command-line.ts';
import { planText, readChange } from '../remote/change-text.ts';
import { remoteCommand, UsageError } from '../remote/connect.ts';
import { confirmed, YES_FLAG } from '../remote/output.ts';
import { CHANGE_FLAGS } from './create.ts';

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
    const planned = await client.call('POST', path, { query: { 'dry-run': true } });
    const plan = readChange(planned.body);
    if (plan.changes.length === 0) {
      io.out('Nothing to change.\n');
      return EXIT.ok;
    }
    io.out(planText(plan, io));
    if (given.has('dry-run')) return EXIT.ok;
    if (!(await confirmed(given, io, 'Roll back?'))) {
      io.err('Nothing was changed.\n');
      return EXIT.failed;
    }
    const done = await client.call('POST', path, {
      query: { message: given.value('message'), follows: plan.revision },
    });
    io.out(`Rolled back as revision ${readChange(done.body).revision}.\n`);
    return EXIT.ok;
  },
});
