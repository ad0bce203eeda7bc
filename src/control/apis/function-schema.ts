import { z } from 'zod';
import { ownerSchema } from '../../lib/entity-name.ts';
import { namedFunctionShape } from '../../policies/function/schema.ts';

/** A function that APIs may point to. */
export const functionSchema = z
  .strictObject({
    organization: ownerSchema,
    service: z.string().describe('Name from `services`: the function service that runs it'),
    ...namedFunctionShape,
  })
  .describe('A function, run by a function service');
