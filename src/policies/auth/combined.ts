import type { Absent, Authenticator, Refused } from '../../identity/authenticator.ts';
import type { Answer, BodyBounds, Exchange } from '../../policy/contract.ts';
import { strictestBounds } from '../body-bounds.ts';

/** A refusal by one or several of the methods, with their challenges. */
export interface CombinedRefusal extends Refused {
  readonly challenges: readonly (string | undefined)[];
}

/** What any-of and all-of have alike: challenges, stripping, bodies and the end of their members. */
export class Combined {
  readonly members: readonly Authenticator[];
  readonly answerFields: Readonly<Record<string, string>>;
  readonly requestBodyBounds: BodyBounds | undefined;
  readonly onResponse: ((exchange: Exchange) => void) | undefined;
  readonly onEnd: ((exchange: Exchange) => void) | undefined;
  readonly checkBody: ((exchange: Exchange, octets: Buffer) => Answer | undefined) | undefined;

  constructor(members: readonly Authenticator[]) {
    this.members = members;
    this.answerFields = Object.assign({}, ...members.map((member) => member.answerFields));
    this.onResponse = eachWith(members, 'onResponse');
    this.onEnd = eachWith(members, 'onEnd');
    const looking = members.filter((member) => member.checkBody !== undefined);
    this.requestBodyBounds =
      looking.length === 0
        ? undefined
        : strictestBounds(looking.map((member) => member.requestBodyBounds ?? {}));
    this.checkBody =
      looking.length === 0
        ? undefined
        : (exchange, octets) => {
            for (const member of looking) {
              const answer = member.checkBody?.(exchange, octets);
              if (answer !== undefined) return answer;
            }
            return undefined;
          };
  }

  /** Those of the methods that refused, or else of all of them. */
  challenge(finding: Absent | Refused, exchange: Exchange): string | undefined {
    const challenges =
      finding.kind === 'refused' && 'challenges' in finding
        ? (finding as CombinedRefusal).challenges
        : this.members.map((member) => member.challenge(finding, exchange));
    const distinct = new Set(challenges.filter((challenge) => challenge !== undefined));
    return distinct.size === 0 ? undefined : [...distinct].join(', ');
  }

  /** Of every method: what one of them takes for credentials is not the upstream's to see because another told who calls. */
  strip(exchange: Exchange): void {
    for (const member of this.members) member.strip?.(exchange);
  }

  close(): void {
    for (const member of this.members) member.close?.();
  }
}

/** The hook of all that have it; undefined where none has. */
function eachWith(
  members: readonly Authenticator[],
  hook: 'onResponse' | 'onEnd',
): ((exchange: Exchange) => void) | undefined {
  const having = members.filter((member) => member[hook] !== undefined);
  if (having.length === 0) return undefined;
  return (exchange) => {
    for (const member of having) member[hook]?.(exchange);
  };
}
