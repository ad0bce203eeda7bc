import { z } from 'zod';
import { isFieldValue, isToken } from '../http/fields.ts';

/** Schema of an answer that is always the same; `status` is the default. */
export function fixedAnswerSchema(status: number) {
  return z.strictObject({
    status: z.int().min(200).max(599).default(status),
    headers: z
      .record(
        z.string().refine(isToken, 'is not a field name'),
        z
          .string()
          .refine(isFieldValue, 'is not a field value: it has a line break or another control character'),
      )
      .default({}),
    body: z.string().default(''),
  });
}
