/** One use of a policy in a configuration: plain data, with secrets resolved. */
export interface PolicyUse {
  /** A built-in policy's name, or the path of a user's own as it was written. */
  readonly name: string;
  /** file: URL of a user's own policy, with a query that changes when the file does; undefined for a built-in one. */
  readonly module?: string | undefined;
  /** As written: the policy's schema parses them where the policy is made. */
  readonly options: unknown;
}
