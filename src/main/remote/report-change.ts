import { isRecord } from '../../lib/is-record.ts';
import { EXIT, type Given, type Io } from '../command-line.ts';
import { type AdminReply, placeText } from './admin-client.ts';
import { planText, readChange } from './change-text.ts';
import { printable } from './output.ts';

/** Tells what became of a change of one entity: what was done, or what would be. */
export function reportChange({ body }: AdminReply, done: string, given: Given, io: Io): number {
  if (given.has('dry-run')) io.out(planText(readChange(body), io));
  else {
    const warnings =
      isRecord(body) && Array.isArray(body['warnings']) ? body['warnings'].filter(isRecord) : [];
    for (const warning of warnings) io.err(`warning:${printable(placeText(warning)).slice(1)}\n`);
    io.out(`${printable(done)}\n`);
  }
  return EXIT.ok;
}
