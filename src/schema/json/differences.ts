// The incompatible changes of JSON schemas by Confluent's names, and its sentences about them. It knows as many compatible
// ones, which nobody is told of.

const added = (path: string, reader: string, writer: string): string =>
  `The keyword at path '${path}' in the ${reader} schema is not present in the ${writer} schema`
const more = (path: string, reader: string, writer: string): string =>
  `The value at path '${path}' in the ${reader} schema is more than its value in the ${writer} schema`
const less = (path: string, reader: string, writer: string): string =>
  `The value at path '${path}' in the ${reader} schema is less than its value in the ${writer} schema`
const differs = (path: string, reader: string, writer: string): string =>
  `The value at path '${path}' is different between the ${reader} and ${writer} schema`
const fewer = (path: string, reader: string, writer: string): string =>
  `An array or combined type at path '${path}' has fewer elements in the ${reader} schema than the ${writer} schema`
const extended = (path: string, reader: string, writer: string): string =>
  `An array or combined type at path '${path}' has more elements in the ${reader} schema than the ${writer} schema`
const changed = (path: string, reader: string, writer: string): string =>
  `A type at path '${path}' is different between the ${reader} schema and the ${writer} schema`
const openModel = (path: string, reader: string, writer: string): string =>
  `The ${reader} schema has an open content model and has a property or item at path '${path}' which is missing in the ` +
  `${writer} schema`
const closedModel = (path: string, reader: string, writer: string): string =>
  `The ${reader} has a closed content model and is missing a property or item present at path '${path}' in the ` +
  `${writer} schema`
const removedNotCovered = (path: string, reader: string, writer: string): string =>
  `A property or item is missing in the ${reader} schema but present at path '${path}' in the ${writer} schema and is ` +
  'not covered by its partially open content model'
const addedNotCovered = (path: string, reader: string, writer: string): string =>
  `The ${reader} schema has a property or item at path '${path}' which is missing in the ${writer} schema and is not ` +
  'covered by its partially open content model'

const sentences = {
  SCHEMA_ADDED: () => '',
  TYPE_CHANGED: changed,
  TYPE_NARROWED: changed,
  COMBINED_TYPE_CHANGED: changed,
  COMBINED_TYPE_SUBSCHEMAS_CHANGED: changed,
  ENUM_ARRAY_CHANGED: changed,
  ENUM_ARRAY_NARROWED: fewer,
  SUM_TYPE_NARROWED: fewer,
  ADDITIONAL_ITEMS_NARROWED: fewer,
  ADDITIONAL_PROPERTIES_NARROWED: fewer,
  UNEVALUATED_PROPERTIES_NARROWED: fewer,
  UNEVALUATED_ITEMS_NARROWED: fewer,
  DEPENDENCY_ARRAY_EXTENDED: extended,
  PRODUCT_TYPE_EXTENDED: extended,
  NOT_TYPE_EXTENDED: extended,
  PATTERN_CHANGED: differs,
  MULTIPLE_OF_CHANGED: differs,
  DEPENDENCY_ARRAY_CHANGED: differs,
  MAX_LENGTH_ADDED: added,
  MIN_LENGTH_ADDED: added,
  PATTERN_ADDED: added,
  MAXIMUM_ADDED: added,
  MINIMUM_ADDED: added,
  EXCLUSIVE_MAXIMUM_ADDED: added,
  EXCLUSIVE_MINIMUM_ADDED: added,
  MULTIPLE_OF_ADDED: added,
  REQUIRED_ATTRIBUTE_ADDED: added,
  MAX_PROPERTIES_ADDED: added,
  MIN_PROPERTIES_ADDED: added,
  DEPENDENCY_ARRAY_ADDED: added,
  DEPENDENCY_SCHEMA_ADDED: added,
  MAX_ITEMS_ADDED: added,
  MIN_ITEMS_ADDED: added,
  MAX_CONTAINS_ADDED: added,
  MIN_CONTAINS_ADDED: added,
  UNIQUE_ITEMS_ADDED: added,
  ADDITIONAL_ITEMS_REMOVED: added,
  ADDITIONAL_PROPERTIES_REMOVED: added,
  UNEVALUATED_PROPERTIES_REMOVED: added,
  UNEVALUATED_ITEMS_REMOVED: added,
  MIN_LENGTH_INCREASED: more,
  MINIMUM_INCREASED: more,
  EXCLUSIVE_MINIMUM_INCREASED: more,
  MIN_PROPERTIES_INCREASED: more,
  MULTIPLE_OF_EXPANDED: more,
  MIN_ITEMS_INCREASED: more,
  MIN_CONTAINS_INCREASED: more,
  MAX_LENGTH_DECREASED: less,
  MAXIMUM_DECREASED: less,
  EXCLUSIVE_MAXIMUM_DECREASED: less,
  MAX_PROPERTIES_DECREASED: less,
  MAX_ITEMS_DECREASED: less,
  MAX_CONTAINS_DECREASED: less,
  REQUIRED_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL: openModel,
  REQUIRED_PROPERTY_WITH_DEFAULT_ADDED_TO_OPEN_CONTENT_MODEL: openModel,
  OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL: openModel,
  ITEM_ADDED_TO_OPEN_CONTENT_MODEL: openModel,
  REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL: (path, reader, writer) =>
    `The ${reader} schema has an unopen content model and has a required property at path '${path}' which is missing in ` +
    `the ${writer} schema`,
  PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL: closedModel,
  ITEM_REMOVED_FROM_CLOSED_CONTENT_MODEL: closedModel,
  PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL: removedNotCovered,
  ITEM_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL: removedNotCovered,
  PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL: addedNotCovered,
  ITEM_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL: addedNotCovered,
  TOO_LARGE_TO_COMPARE: () => 'The schemas are too large or too deep to be compared',
} satisfies Record<string, (path: string, reader: string, writer: string) => string>

export type DifferenceType = keyof typeof sentences

export interface Difference {
  readonly type: DifferenceType
  /** '#/' and the keywords and names on the way. */
  readonly path: string
}

/** The odd quotes are Confluent's. */
export const worded = ({ type, path }: Difference, reader: string, writer: string): string =>
  `{errorType:"${type}", description:"${sentences[type](path, reader, writer)}'}`
