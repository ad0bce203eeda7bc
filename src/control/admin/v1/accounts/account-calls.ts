import { z } from 'zod';
import { messageOf } from '../../../../lib/message-of.ts';
import { problemsFromIssues } from '../../../config/issues.ts';
import { dottedPath } from '../../../config/place.ts';
import { isAccountName } from '../../../rights/store/external-users.ts';
import type {
  Asker,
  Outcome,
  Refusal,
  RefusalCode,
  RightsStore,
} from '../../../rights/store/rights-store.ts';
import { type AdminAnswer, empty, problem } from '../../answer.ts';
import type { AdminRequest, Endpoint, RightsControl } from '../../endpoint.ts';
import { type Call, define, unavailable } from '../define.ts';
import { pointerOf } from '../pointer.ts';
import { readMap } from '../read-body.ts';

/** What an endpoint of accounts answers from. */
export interface AccountCall<Path, Query> extends Call<Path, Query> {
  readonly rights: RightsControl;
  readonly store: RightsStore;
  readonly asker: Asker;
}

type Definition<Path extends z.ZodObject, Query extends z.ZodObject> = Omit<
  Parameters<typeof define<Path, Query>>[0],
  'answer' | 'access'
> & {
  answer(call: AccountCall<z.output<Path>, z.output<Query>>): Promise<AdminAnswer>;
};

/** An endpoint that whoever is known may ask; what they may is decided where it is done, within the lock of the store. */
export function defineForKnown<Path extends z.ZodObject, Query extends z.ZodObject>(
  definition: Definition<Path, Query>,
): Endpoint {
  return define<Path, Query>({
    ...definition,
    access: 'known',
    async answer(call) {
      const { gateway } = call;
      const { rights } = gateway;
      if (rights === undefined) return unavailable('This gateway has no store');
      const { account, address } = call.request.caller;
      try {
        return await definition.answer({ ...call, rights, store: rights.store, asker: { account, address } });
      } catch (error) {
        gateway.warn(`admin: accounts cannot be reached: ${messageOf(error)}`);
        return unavailable('The store does not answer');
      }
    },
  });
}

export const none = z.strictObject({});

export const accountName = z
  .string()
  .refine(
    isAccountName,
    'is not a name: up to 100 letters, digits, ".", "_", "@", "+" and "-", and none of the gateway’s own',
  )
  .describe('Of the account');

export const organizationName = z
  .string()
  .regex(
    /^(?:\*|[A-Za-z0-9_][A-Za-z0-9._-]{0,99})$/,
    'is not the name of an organization, or * for everywhere',
  )
  .describe('Of the organization; * is everywhere');

/** What users and service accounts tell alike. */
export const accountView = z.object({
  name: z.string(),
  id: z.string(),
  title: z.string().optional(),
  disabled: z.boolean(),
  roles: z.record(z.string(), z.string()).describe('By organization; * is everywhere'),
  createdAt: z.string(),
  createdBy: z.string(),
  updatedAt: z.string(),
  updatedBy: z.string(),
});

const STATUS: Readonly<Record<RefusalCode, number>> = {
  not_found: 404,
  forbidden: 403,
  name_taken: 409,
  identity_taken: 409,
  last_owner: 409,
  too_many: 409,
  wrong_password: 403,
};

export function refusalAnswer({ code, message }: Refusal): AdminAnswer {
  return problem(STATUS[code], code === 'not_found' ? 'account_unknown' : code, message);
}

/** 204, or why it was not done. */
export function doneAnswer(outcome: Outcome<unknown>): AdminAnswer {
  return outcome.ok ? empty(204) : refusalAnswer(outcome);
}

/** A body by its schema, or what is answered to one that is wrong. */
export async function readShape<Shape extends z.ZodType>(
  request: AdminRequest,
  shape: Shape,
): Promise<
  | { readonly ok: true; readonly value: z.output<Shape> }
  | { readonly ok: false; readonly answer: AdminAnswer }
> {
  const body = await readMap(request, ['application/json']);
  if (!body.ok) return body;
  const parsed = shape.safeParse(body.value);
  if (parsed.success) return { ok: true, value: parsed.data };
  const problems = problemsFromIssues(parsed.error.issues, body.value, shape);
  return {
    ok: false,
    answer: problem(422, 'body_invalid', 'The body is not as it should be; nothing has changed', {
      errors: problems.map(({ path, message, suggestion }) => ({
        path: dottedPath(path),
        pointer: pointerOf(path),
        message,
        ...(suggestion === undefined ? undefined : { suggestion }),
      })),
    }),
  };
}
