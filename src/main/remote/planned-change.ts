import { EXIT, type Given, type Io } from '../command-line.ts';
import type { AdminCall, AdminClient } from './admin-client.ts';
import { planText, readChange } from './change-text.ts';
import { confirmed } from './output.ts';

/** A change of the whole, which is shown before it is made. */
export interface PlannedChange extends Pick<AdminCall, 'body' | 'query'> {
  readonly path: string;
  readonly question: string;
  /** Begins the sentence that it ends with: `Applied`. */
  readonly done: string;
}

/** Shows what would change, asks, and makes it; the exit code. */
export async function makePlanned(
  { path, query, body, question, done }: PlannedChange,
  given: Given,
  io: Io,
  client: AdminClient,
): Promise<number> {
  const planned = await client.call('POST', path, { query: { ...query, 'dry-run': true }, body });
  const plan = readChange(planned.body);
  if (plan.changes.length === 0) {
    io.out('Nothing to change.\n');
    return EXIT.ok;
  }
  io.out(planText(plan, io));
  if (given.has('dry-run')) return EXIT.ok;
  if (!(await confirmed(given, io, question))) {
    io.err('Nothing was changed.\n');
    return EXIT.failed;
  }
  // What was shown is what is done: a change of somebody else's in between refuses.
  const made = await client.call('POST', path, {
    query: { ...query, message: given.value('message'), follows: plan.revision },
    body,
  });
  io.out(`${done} as revision ${readChange(made.body).revision}.\n`);
  return EXIT.ok;
}
