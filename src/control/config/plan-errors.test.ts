import { describe } from 'node:test';
import { checkErrors } from './errors.support.ts';

describe('Errors of plans and consumers', () => {
  checkErrors([
    {
      title: 'tell what is wrong with a plan, and where',
      files: {
        'c.yaml': `plans:
  none: {}
  zero: { quotas: [{ limit: 0, per: day }] }
  zone: { quotas: [{ limit: 1, per: day }], timeZone: Europe/Zurch }
  twice: { quotas: [{ limit: 1, per: day }, { limit: 2, per: day }] }
  week: { quotas: [{ limit: 1, per: week }] }
  soft: { quotas: [{ limit: 1, per: day, soft: 101 }] }
  rate: { limits: [0/s] }
  ours: { limits: [{ rate: 1/s, key: address }, { rate: 5/s, name: day }, 1/s], quotas: [{ limit: 1, per: day }] }
`,
      },
      errors: `c.yaml:2:3: plans.none: needs limits or quotas
   2 |   none: {}
     |   ^^^^
c.yaml:3:29: plans.zero.quotas[0].limit: is too small: at least 1
   3 |   zero: { quotas: [{ limit: 0, per: day }] }
     |                             ^
c.yaml:4:55: plans.zone.timeZone: is not a time zone: write a name of the IANA database, such as Europe/Zurich or UTC
   4 |   zone: { quotas: [{ limit: 1, per: day }], timeZone: Europe/Zurch }
     |                                                       ^^^^^^^^^^^^
c.yaml:5:62: plans.twice.quotas[1].per: there is a quota per day already
   5 |   twice: { quotas: [{ limit: 1, per: day }, { limit: 2, per: day }] }
     |                                                              ^^^
c.yaml:6:37: plans.week.quotas[0].per: is not day or month
   6 |   week: { quotas: [{ limit: 1, per: week }] }
     |                                     ^^^^
c.yaml:7:48: plans.soft.quotas[0].soft: is too large: at most 100
   7 |   soft: { quotas: [{ limit: 1, per: day, soft: 101 }] }
     |                                                ^^^
c.yaml:8:20: plans.rate.limits[0]: lets nothing through: the number is at least 1
   8 |   rate: { limits: [0/s] }
     |                    ^^^
c.yaml:9:38: plans.ours.limits[0].key: is not for a plan, which counts by consumer
   9 |   ours: { limits: [{ rate: 1/s, key: address }, { rate: 5/s, name: day }, 1/s], quotas: [{ limit: 1, per: day }] }
     |                                      ^^^^^^^
c.yaml:9:49: plans.ours.limits[1]: there is "day" already: give one of them another name
   9 |   ours: { limits: [{ rate: 1/s, key: address }, { rate: 5/s, name: day }, 1/s], quotas: [{ limit: 1, per: day }] }
     |                                                 ^^^^^^^^^^^^^^^^^^^^^^^^
c.yaml:9:75: plans.ours.limits[2]: there is "1/s" already: give one of them another name
   9 |   ours: { limits: [{ rate: 1/s, key: address }, { rate: 5/s, name: day }, 1/s], quotas: [{ limit: 1, per: day }] }
     |                                                                           ^^^
`,
    },
    {
      title: 'tell a plan that is not there',
      files: {
        'c.yaml': `plans:
  gold: { quotas: [{ limit: 1, per: day }] }
consumers:
  alice: { plan: glod }
`,
      },
      errors: `c.yaml:4:18: consumers.alice.plan: there is no plan "glod"; did you mean "gold"?
   4 |   alice: { plan: glod }
     |                  ^^^^
`,
    },
  ]);
});
