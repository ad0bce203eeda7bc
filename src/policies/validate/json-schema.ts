/** A JSON Schema of draft 2020-12. */
export type JsonSchema = boolean | Readonly<Record<string, unknown>>;
/** Schemas that others refer to as `#/definitions/<name>`. */
export type Definitions = Readonly<Record<string, JsonSchema>>;
