import type { TargetStatus } from '../../upstream/control/status.ts';
import type { ExplainedService } from './explain-request.ts';
import type { Place } from './place.ts';

/** A line about a service. */
export interface Row {
  readonly name: string;
  readonly text: string;
  readonly place?: Place | undefined;
}

/** Targets of a running gateway that are shown; those that are left out are counted. */
const MAX_TARGETS = 20;

/** What is said of a service for people: its targets, as they are now where that is known, and what it does with requests. */
export function serviceRows({ targets, settings, now }: ExplainedService): Row[] {
  if (now === undefined) {
    const several = targets.length > 1;
    const rows = targets.map(({ url, weight }) => target(several ? `${url} weight ${weight}` : url));
    return [...rows, ...settings];
  }
  const shown = now.targets.slice(0, MAX_TARGETS).map((status) => target(targetText(status)));
  const more = now.targets.length - shown.length;
  return [...shown, ...(more > 0 ? [target(`and ${more} more`)] : []), ...settings, ...nowRows(now)];
}

function target(text: string): Row {
  return { name: 'target', text };
}

function targetText({ url, weight, health, draining, ejected, breaker, inFlight }: TargetStatus): string {
  const states = [
    health === 'unknown' ? '' : health,
    draining ? 'draining' : '',
    ejected ? 'ejected' : '',
    breaker === undefined || breaker === 'closed' ? '' : `breaker ${breaker}`,
    `${inFlight} under way`,
  ];
  return `${url} weight ${weight}: ${states.filter((state) => state !== '').join(', ')}`;
}

function nowRows({ counts, inFlight, breaker, source }: NonNullable<ExplainedService['now']>): Row[] {
  const about = [
    `${counts.usable} of ${counts.targets} targets usable`,
    `${inFlight} under way`,
    breaker === undefined ? '' : `breaker ${breaker}`,
  ];
  const rows = [{ name: 'now', text: about.filter((part) => part !== '').join(', ') }];
  if (source?.state === 'failing')
    rows.push({ name: 'source', text: `failing since ${source.since}: ${source.cause}` });
  return rows;
}
