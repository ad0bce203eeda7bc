import { z } from 'zod';
import { isFieldValue } from '../../http/fields.ts';
import { template } from '../../policy/template.ts';
import { delay } from '../delay-option.ts';
import { fieldName, fieldValue } from '../field-options.ts';

/** Statuses of answers that have no body: RFC 9110 sections 15.3.5, 15.3.6 and 15.4.5. */
export const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304]);

export const respondSchema = z
  .strictObject({
    status: z.int().min(200).max(599).default(200),
    headers: z
      .record(
        fieldName.refine(
          (name) => name.toLowerCase() !== 'content-type',
          'content-type is written as contentType',
        ),
        fieldValue,
      )
      .default({})
      .describe('Fields of the answer; values may hold ${...}'),
    contentType: z
      .string()
      .refine((text) => text !== '' && isFieldValue(text), 'is not a media type')
      .default('text/plain; charset=utf-8')
      .describe(
        'Also says how values of the request are escaped in the body: as in a JSON string, as in HTML or XML, or not',
      ),
    body: template('Body as text; ${...} inserts values of the request, decoded').prefault(''),
    delay: delay('How long to wait before answering, up to 5m, to play a slow service').prefault('0s'),
  })
  .superRefine(({ status, body }, context) => {
    if (!WITHOUT_BODY.has(status) || body.text === '') return;
    context.addIssue({ code: 'custom', path: ['body'], message: `an answer ${status} has no body` });
  })
  .describe('Answers here instead of asking the service: a mock, or a fixed answer');

export type RespondOptions = z.output<typeof respondSchema>;
