import { EXIT, type Given, type Io } from '../command-line.ts';
import type { AdminCall, AdminReply } from './admin-client.ts';
import { planText, readChange, warningLines } from './change-text.ts';
import { dataText, printable, textOrData } from './output.ts';

/** Of a change of one entity: what the flags say of it, and that what has changed is answered. Throws `UsageError` before anything is changed. */
export function changeQuery(given: Given): AdminCall['query'] {
  textOrData(given);
  return {
    message: given.value('message'),
    'dry-run': given.has('dry-run') || undefined,
    answer: 'change',
  };
}

/** Tells what became of a change of one entity: what was done, or what would be. */
export function reportChange({ body }: AdminReply, done: string, given: Given, io: Io): number {
  const change = readChange(body);
  const form = textOrData(given);
  if (form !== 'text') io.out(dataText(change.body, form));
  else if (given.has('dry-run')) io.out(planText(change, io));
  else {
    io.err(warningLines(change.warnings));
    io.out(`${printable(done)}\n`);
  }
  return EXIT.ok;
}
