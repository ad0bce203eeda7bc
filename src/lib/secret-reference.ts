/** Whether a text says where a secret lies, in a variable or a file, and is not the secret itself. Once resolved, it led nowhere, which is told elsewhere. */
export function isSecretReference(text: string): boolean {
  return text.startsWith('env:') || text.startsWith('file:');
}
