import { definePolicy } from '../../policy/contract.ts';
import { Fault } from './fault.ts';
import { faultSchema } from './schema.ts';

export const faultPolicy = definePolicy({
  name: 'fault',
  // First: a fault stands for what may go wrong anywhere behind, and costs nothing of it.
  stage: 'admission',
  schema: faultSchema,
  create: (options) => new Fault(options, Math.random),
});
