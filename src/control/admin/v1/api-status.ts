import type { ChangeProblem, ConfigurationManager, ListedEntity, NodeStatus } from '../../manager/manager.ts';

/** How far an API is: not everywhere yet, in force everywhere, or not in force somewhere and why. */
export type ApiState = (typeof API_STATES)[number];

export interface NodeApiStatus {
  readonly node: string;
  readonly status: ApiState;
  readonly reason?: string;
}

export interface ApiStatus {
  readonly status: ApiState;
  readonly reason?: string;
  readonly nodes: readonly NodeApiStatus[];
}

/** Of an API; undefined for anything else. */
export async function apiStateOf(
  entity: ListedEntity,
  configuration: ConfigurationManager,
): Promise<ApiState | undefined> {
  if (entity.collection !== 'apis') return undefined;
  return apiStatus(entity, configuration, await configuration.nodes()).status;
}

/** The worst first. */
export const API_STATES = ['error', 'pending', 'ready'] as const;

/**
 * The status of an API: the worst of what is true on the nodes, and `pending` while what it points to is not there yet. One of
 * the file is looked at as of this node alone, since every node has a file of its own.
 */
export function apiStatus(
  entity: ListedEntity,
  configuration: ConfigurationManager,
  nodes: readonly NodeStatus[],
): ApiStatus {
  const onNodes =
    entity.origin === 'file' ? [] : nodes.map((node) => statusOnNode(entity.name, entity.revision, node));
  const reason = configuration.pendingReason(entity.name);
  const states: ApiState[] = [
    reason === undefined ? 'ready' : 'pending',
    ...onNodes.map(({ status }) => status),
  ];
  const status = API_STATES.find((state) => states.includes(state)) ?? 'ready';
  return { status, ...(reason === undefined ? undefined : { reason }), nodes: onNodes };
}

function statusOnNode(name: string, revision: number, node: NodeStatus): NodeApiStatus {
  if (node.revision >= revision) return { node: node.node, status: 'ready' };
  const errors = node.problems.filter(({ severity }) => severity === 'error');
  const own = errors.find((problem) => isWithin(problem, name));
  // Whoever may see this API may not see all that is wrong there.
  if (own === undefined && errors.length > 0)
    return {
      node: node.node,
      status: 'error',
      reason: 'something else of the configuration is refused there',
    };
  if (own === undefined)
    return { node: node.node, status: 'pending', reason: `is at revision ${node.revision} of ${revision}` };
  return {
    node: node.node,
    status: 'error',
    reason: `${own.path === '' ? '' : `${own.path}: `}${own.message}`,
  };
}

function isWithin({ path }: ChangeProblem, name: string): boolean {
  return [`apis.${name}`, `apis[${JSON.stringify(name)}]`].some(
    (place) => path === place || path.startsWith(`${place}.`) || path.startsWith(`${place}[`),
  );
}
