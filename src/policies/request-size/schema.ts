import { z } from 'zod';
import { size } from '../../lib/units.ts';

export const requestSizeSchema = z
  .strictObject({
    max: size('Largest request body; beyond it 413. 0b lifts a limit set for all routes'),
  })
  .describe('Limits the size of request bodies');
