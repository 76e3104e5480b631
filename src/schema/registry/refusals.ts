// What a registry refuses, with Confluent's error codes and sentences: its clients know them by number.

/** Of five digits the first three are the HTTP status. */
export interface Refusal {
  readonly errorCode: number
  readonly message: string
}

export const isRefusal = (answer: unknown): answer is Refusal =>
  typeof answer === 'object' && answer !== null && 'errorCode' in answer

const refusal = (errorCode: number, message: string): Refusal => ({ errorCode, message })

export const refusals = {
  subjectNotFound: (subject: string) => refusal(40401, `Subject '${subject}' not found.`),
  versionNotFound: (version: number) => refusal(40402, `Version ${version} not found.`),
  schemaNotFound: (id?: number | string) =>
    refusal(40403, id === undefined ? 'Schema not found' : `Schema ${id} not found`),
  subjectSoftDeleted: (subject: string) =>
    refusal(40404, `Subject '${subject}' was soft deleted.Set permanent=true to delete permanently`),
  subjectNotSoftDeleted: (subject: string) =>
    refusal(40405, `Subject '${subject}' was not deleted first before being permanently deleted`),
  versionSoftDeleted: (subject: string, version: number) =>
    refusal(40406, `Subject '${subject}' Version ${version} was soft deleted.Set permanent=true to delete permanently`),
  versionNotSoftDeleted: (subject: string, version: number) =>
    refusal(40407, `Subject '${subject}' Version ${version} was not deleted first before being permanently deleted`),
  compatibilityNotConfigured: (subject: string) =>
    refusal(40408, `Subject '${subject}' does not have subject-level compatibility configured`),
  modeNotConfigured: (subject: string) =>
    refusal(40409, `Subject '${subject}' does not have subject-level mode configured`),
  incompatible: (subject: string, why: readonly string[]) =>
    refusal(
      409,
      `Schema being registered is incompatible with an earlier schema for subject "${subject}", details: [${why.join(', ')}]`,
    ),
  invalidSchema: (message: string) => refusal(42201, message),
  invalidVersion: (version: string) =>
    refusal(
      42202,
      `The specified version '${version}' is not a valid version id. Allowed values are between [1, 2^31-1] and the string "latest"`,
    ),
  invalidCompatibility: () =>
    refusal(
      42203,
      'Invalid compatibility level. Valid values are none, backward, forward, full, backward_transitive, forward_transitive, and full_transitive',
    ),
  invalidMode: (message = 'Invalid mode. Valid values are READWRITE, READONLY, READONLY_OVERRIDE and IMPORT.') =>
    refusal(42204, message),
  notPermitted: (message: string) => refusal(42205, message),
  referenceExists: (subject: string, version: number) =>
    refusal(
      42206,
      `One or more references exist to the schema {magic=1,keytype=SCHEMA,subject=${subject},version=${version}}.`,
    ),
  invalidSubject: (subject: string) => refusal(42208, `The specified subject '${subject}' is not a valid.`),
  tooLarge: (message: string) => refusal(42209, message),
  invalidRuleSet: (message: string) => refusal(42210, message),
  contextNotEmpty: (context: string) => refusal(42211, `The specified context '${context}' is not empty.`),
}
