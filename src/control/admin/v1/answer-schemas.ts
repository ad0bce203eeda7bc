import { z } from 'zod';
import { CHANGE_KINDS } from '../../outcomes/diff.ts';
import { COLLECTIONS } from '../../store/entity.ts';
import { GATEWAY_SCHEMAS } from './gateway-schemas.ts';

/** Shapes of answers, for the OpenAPI document; the client of the tests holds every answer to it. */

const time = z.iso.datetime();
const collection = z.enum(COLLECTIONS);
const value = z.looseObject({}).describe('As in the file, without secrets');

const errorSchema = z
  .strictObject({
    path: z.string().optional().describe('Of the configuration: apis.hello.paths[0]'),
    pointer: z.string().optional().describe('Into what was sent (RFC 6901)'),
    parameter: z.string().optional().describe('Of the query'),
    message: z.string(),
    suggestion: z.string().optional().describe('What was probably meant'),
    file: z.string().optional(),
    line: z.int().optional(),
    column: z.int().optional(),
  })
  .describe('What is wrong, and where');

const changedSchema = z.strictObject({
  collection,
  name: z.string(),
  action: z.enum(['create', 'update', 'delete']),
  before: value.optional(),
  after: value.optional(),
  differences: z.array(z.string()).optional().describe('JSON pointers to what differs, secrets included'),
});

const apiState = z
  .enum(['pending', 'ready', 'error'])
  .describe('Not in force everywhere yet, in force, or not in force somewhere, with the reason');

const revision = z.strictObject({
  number: z.int().describe('From 1, without gaps'),
  at: time,
  author: z.string(),
  message: z.string().optional(),
});

const nodes = z.array(
  z.strictObject({
    node: z.string(),
    revision: z.int().describe('The one that it serves'),
    behind: z.int().describe('Revisions that another node is ahead of it'),
    seenAt: time,
    fromSnapshot: z.boolean().describe('It serves what it kept on disk: the store cannot be reached'),
    problems: z.array(errorSchema).describe('Why it does not serve a newer one'),
  }),
);

const certificate = z
  .strictObject({
    subject: z.string(),
    hosts: z.array(z.string()).describe('DNS names and addresses that it is for'),
    issuer: z.string(),
    serialNumber: z.string(),
    validFrom: time,
    validTo: time,
    fingerprint: z.string().describe('SHA-256, hex digits'),
    keyType: z.string().describe('Such as RSA 2048 or ECDSA P-256'),
    chainLength: z.int().describe('How many certificates there are, the leaf included'),
    mustStaple: z.boolean().describe('Whether it demands that an OCSP response goes with it (RFC 7633)'),
  })
  .describe('What the certificate in force is');

const outcomeSide = z.strictObject({
  route: z.string().optional().describe('None: no route takes it'),
  access: z.string().describe('Whom it lets in'),
  answer: z.string().describe('What answers'),
  limits: z.array(z.string()),
  pages: z.string().describe('Whose pages may read the answer'),
});

export const ANSWER_SCHEMAS = {
  Problem: z
    .looseObject({
      type: z.string(),
      title: z.string(),
      status: z.int(),
      code: z.string().describe('Stable: programs may look at it'),
      errors: z.array(errorSchema).optional(),
    })
    .describe('Problem details (RFC 9457)'),
  Meta: z
    .strictObject({
      origin: z.enum(['file', 'store']).describe('What the file has can be read here, and is changed there'),
      revision: z.int().optional().describe('The one that changed it last'),
      createdAt: time.optional(),
      createdBy: z.string().optional(),
      updatedAt: time.optional(),
      updatedBy: z.string().optional(),
      status: apiState.optional(),
      certificate: certificate.optional(),
      warnings: z.array(errorSchema).optional().describe('Of what was just written'),
    })
    .describe('What is known of an entity; ignored where an entity is sent'),
  Change: z.strictObject({
    result: z.enum(['applied', 'planned', 'unchanged']),
    revision: z.int().describe('The new one; of a plan, the one that it would follow'),
    changes: z.array(changedSchema),
    warnings: z.array(errorSchema),
  }),
  Revision: revision.extend({ changes: z.array(changedSchema) }),
  RevisionPage: z.strictObject({
    items: z.array(revision),
    next: z.string().nullable().describe('Cursor of the next page; null on the last'),
  }),
  Diff: z.strictObject({ from: z.int(), to: z.int(), changes: z.array(changedSchema) }),
  OutcomeDiff: z.strictObject({
    changes: z.array(
      z.strictObject({
        kind: z.enum(CHANGE_KINDS),
        authentication: z
          .enum(['same', 'weaker', 'stronger', 'changed'])
          .describe(
            'How it compares with the one before; changed: nobody can say. Of pages: what they may do in somebody’s name',
          ),
        example: z.looseObject({}).describe('A request, as /explain takes it'),
        requests: z.int().describe('How many of those that were tried'),
        before: outcomeSide,
        after: outcomeSide,
      }),
    ),
    weaker: z.boolean().describe('Whether somebody is let in who was not'),
    incomparable: z.boolean().describe('Whether an authentication changed in a way that nobody can compare'),
    tried: z.int(),
    cut: z.boolean().describe('Whether there were more requests to try than are tried'),
  }),
  Check: z.strictObject({
    ok: z.boolean().describe('Whether the gateway would take it'),
    errors: z.array(errorSchema),
    warnings: z.array(errorSchema).describe('What works and cannot be meant'),
  }),
  Nodes: z.strictObject({ items: nodes }),
  Status: z.strictObject({
    version: z.string(),
    ready: z.boolean(),
    revision: z.int().describe('Of the store, in force here'),
    fromSnapshot: z.boolean(),
    nodes,
    entities: z.record(collection, z.int()).describe('How many there are of each, of file and store'),
  }),
  ApiStatus: z.strictObject({
    name: z.string(),
    status: apiState,
    reason: z.string().optional(),
    nodes: z.array(z.strictObject({ node: z.string(), status: apiState, reason: z.string().optional() })),
  }),
  ...GATEWAY_SCHEMAS,
} as const satisfies Readonly<Record<string, z.ZodType>>;
