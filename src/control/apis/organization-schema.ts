import { z } from 'zod';

/** Who owns APIs, services and all else of a configuration. */
export const organizationSchema = z
  .strictObject({
    title: z.string().min(1).max(200).optional().describe('What people call it'),
    pathPrefix: z
      .string()
      .regex(/^\/(?:[^?#{}*\s]*[^?#{}*\s/])?$/, 'is not a path such as /acme')
      .optional()
      .describe(
        'What the paths of its APIs without hosts begin with; services do not see it. Default: / and the name; / alone is none',
      ),
  })
  .describe('Owns what says so by `organization`');
