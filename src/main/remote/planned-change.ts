import { EXIT, type Given, type Io } from '../command-line.ts';
import type { AdminCall, AdminClient } from './admin-client.ts';
import { planText, readChange } from './change-text.ts';
import { confirmed, dataText, textOrData } from './output.ts';

/** A change of the whole, which is shown before it is made. */
export interface PlannedChange extends Pick<AdminCall, 'body' | 'query'> {
  readonly path: string;
  readonly question: string;
  /** Begins the sentence that it ends with: `Applied`. */
  readonly done: string;
}

/** Shows what would change, asks, and makes it; the exit code. What is for a program is what was done alone, and the plan without doing. */
export async function makePlanned(
  { path, query, body, question, done }: PlannedChange,
  given: Given,
  io: Io,
  client: AdminClient,
): Promise<number> {
  const form = textOrData(given);
  const planned = await client.call('POST', path, { query: { ...query, 'dry-run': true }, body });
  const plan = readChange(planned.body);
  if (plan.changes.length === 0 || given.has('dry-run')) {
    if (form !== 'text') io.out(dataText(plan.body, form));
    else io.out(plan.changes.length === 0 ? 'Nothing to change.\n' : planText(plan, io));
    return EXIT.ok;
  }
  if (form === 'text') io.out(planText(plan, io));
  // Whoever is asked has to see for what.
  else io.err(planText(plan, io));
  if (!(await confirmed(given, io, question))) {
    io.err('Nothing was changed.\n');
    return EXIT.failed;
  }
  // What was shown is what is done: a change of somebody else's in between refuses.
  const made = await client.call('POST', path, {
    query: { ...query, message: given.value('message'), follows: plan.revision },
    body,
  });
  const change = readChange(made.body);
  io.out(form === 'text' ? `${done} as revision ${change.revision}.\n` : dataText(change.body, form));
  return EXIT.ok;
}
