import { z } from 'zod';
import type { NodeStatus } from '../../manager/manager.ts';
import { COLLECTIONS } from '../../store/entity.ts';
import { json } from '../answer.ts';
import type { Endpoint } from '../endpoint.ts';
import { define } from './define.ts';
import { problemView } from './outcomes.ts';

const none = z.strictObject({});

export const STATUS: readonly Endpoint[] = [
  define({
    method: 'GET',
    path: '/v1/status',
    summary: 'How this gateway is, what it serves, and how far the nodes of its store are',
    access: 'read',
    parameters: none,
    query: none,
    answers: { 200: { description: 'The status', shape: { component: 'Status' } } },
    async answer({ gateway, configuration }) {
      const nodes = await configuration.nodes();
      return json(200, {
        version: gateway.version,
        ready: gateway.ready(),
        revision: configuration.revision,
        fromSnapshot: nodes[0]?.fromSnapshot === true,
        nodes: nodeViews(nodes),
        entities: Object.fromEntries(
          COLLECTIONS.map((collection) => [collection, configuration.list(collection).length]),
        ),
      });
    },
  }),
  define({
    method: 'GET',
    path: '/v1/nodes',
    summary: 'The gateways that share the store, and how far each is; this one is the first',
    access: 'read',
    parameters: none,
    query: none,
    answers: { 200: { description: 'The nodes', shape: { component: 'Nodes' } } },
    answer: async ({ configuration }) => json(200, { items: nodeViews(await configuration.nodes()) }),
  }),
];

/** A node is behind where another one serves a newer revision. */
function nodeViews(nodes: readonly NodeStatus[]): Record<string, unknown>[] {
  const newest = Math.max(0, ...nodes.map(({ revision }) => revision));
  return nodes.map(({ node, revision, problems, seenAtMs, fromSnapshot }) => ({
    node,
    revision,
    behind: newest - revision,
    seenAt: new Date(seenAtMs).toISOString(),
    fromSnapshot,
    problems: problems
      .filter(({ severity }) => severity === 'error')
      .map((found) => problemView(found, { collection: '', name: '' })),
  }));
}
