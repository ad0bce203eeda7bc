import { z } from 'zod';
import { maxBytes } from '../../policies/validate/schema.ts';
import { policyListSchema, routeSchema } from '../../routing/schema.ts';

const { hosts } = routeSchema.shape.match.shape;

export const apiSchema = z
  .strictObject({
    openapi: z
      .string()
      .min(1)
      .describe(
        'File of an OpenAPI document, 3.0 or 3.1, in YAML or JSON; each of its operations becomes a route',
      ),
    service: z.string().describe('Name from `services`'),
    hosts,
    basePath: z
      .string()
      .regex(/^\/(?:[^?#{}*\s]*[^?#{}*\s/])?$/, 'is not a path such as /v1')
      .optional()
      .describe('What stands before the paths of the document; default: the path of its first server'),
    validate: z
      .strictObject({
        request: z.boolean().default(true).describe('Requests are held against the document'),
        response: z
          .enum(['off', 'report', 'enforce'])
          .default('off')
          .describe('Answers: report counts and logs those that are wrong, enforce answers 502 instead'),
        undescribedBody: z
          .enum(['refuse', 'pass'])
          .default('refuse')
          .describe('Bodies of requests whose operation has no requestBody'),
        max: maxBytes('Largest body that is taken, of requests and of answers'),
      })
      .prefault({}),
    policies: policyListSchema.default([]).describe('Policies of every route of the document'),
  })
  .describe('Routes made from an OpenAPI document');

export type ApiConfig = z.output<typeof apiSchema>;
