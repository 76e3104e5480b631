// /docs: the OpenAPI document made readable, errors included, with nothing to download; and the first page, which leads there.

import { errors, type ErrorName } from '../protocol/errors.ts'
import type { Document, Media, Operation, Parameter, Schema } from './openapi.ts'
import { type Html, html, page } from './page.ts'

export function docsPage(document: Document): Response {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  )
  const tags = [...new Set(operations.map(({ operation }) => operation.tags?.[0] ?? 'Other'))]
  return page(
    'Edgelog: the HTTP API',
    html`<h1>Edgelog: the HTTP API</h1>
      <p>${document.info.description} The same as data: <a href="/openapi.json">/openapi.json</a>, OpenAPI 3.1.</p>
      ${tags.map(
        tag =>
          html`<h2>${tag}</h2>
            ${operations.filter(({ operation }) => (operation.tags?.[0] ?? 'Other') === tag).map(operationHtml)}`,
      )}
      <h2>What things look like</h2>
      ${Object.entries(document.components?.schemas ?? {}).map(([name, schema]) => componentHtml(name, schema))}
      <h2>Errors</h2>
      <p>Errors are <code>application/problem+json</code> (RFC 9457) with Kafka's name in <code>code</code>.</p>
      ${errorsTable()}`,
  )
}

export function homePage(origin: string): Response {
  return page(
    'Edgelog',
    html`<h1>Edgelog</h1>
      <p>An event log is running here.</p>
      <pre>
curl ${origin}/v1/topics/hello/records -H 'content-type: application/json' -d '{"key":"you","value":{"hello":"world"}}'
curl '${origin}/v1/topics/hello/partitions/0/records?offset=earliest'
curl -N ${origin}/v1/topics/hello/records -H 'accept: text/event-stream'</pre>
      <ul>
        <li><a href="/ui/">The admin page</a>: topics, records, groups, schemas</li>
        <li><a href="/docs">The HTTP API</a>, and as data: <a href="/openapi.json">OpenAPI 3.1</a></li>
        <li><a href="/v1/topics">The topics</a></li>
        <li><a href="/healthz">Is it well?</a></li>
      </ul>`,
  )
}

function operationHtml({ path, method, operation }: { path: string; method: string; operation: Operation }): Html {
  const { summary, description, parameters = [], requestBody, responses } = operation
  return html`<h3 id="${method}-${path}"><span class="method">${method}</span> <code>${path}</code></h3>
    ${prose(`${summary}. ${description ?? ''}`)} ${parameters.length > 0 ? parametersTable(parameters) : undefined}
    ${
      requestBody &&
      html`<p>Body:</p>
        ${mediaTable(requestBody.content)}`
    }
    <table>
      ${Object.entries(responses).map(
        ([status, { description: says, content = {} }]) =>
          html`<tr>
            <td><b>${status}</b></td>
            <td>${inline(says)}</td>
            <td>${Object.entries(content).map(mediaHtml)}</td>
          </tr>`,
      )}
    </table>`
}

const parametersTable = (parameters: readonly Parameter[]): Html =>
  html`<table>
    ${parameters.map(
      ({ name, in: where, schema = {}, description, required }) =>
        html`<tr>
          <td><code>${name}</code> <span class="soft">${where}${required ? '' : ', optional'}</span></td>
          <td>${inline(description ?? schema.description)} <span class="soft">${schemaHtml(schema)}</span></td>
        </tr>`,
    )}
  </table>`

const mediaTable = (content: Readonly<Record<string, Media>>): Html =>
  html`<table>
    ${Object.entries(content).map(
      ([media, { schema = {} }]) =>
        html`<tr>
          <td><code>${media}</code></td>
          <td>${mediaSays(schema)}</td>
        </tr>`,
    )}
  </table>`

const mediaHtml = ([media, { schema = {} }]: [string, Media]): Html =>
  html`<code>${media}</code> ${schemaHtml(schema)}<br />`

/** What a body is: the schema it refers to, and what is said of it. */
function mediaSays(schema: Schema): Html {
  if (schema.description === undefined) return schemaHtml(schema)
  return html`${schema.$ref && html`${schemaHtml(schema)}: `}${inline(schema.description)}`
}

/** Paragraphs, as Markdown parts them. */
const prose = (text = ''): Html => html`${text.split('\n\n').map(paragraph => html`<p>${inline(paragraph)}</p>`)}`

/** What Markdown has between backquotes is code. */
const inline = (text = ''): Html =>
  html`${text.split('`').map((part, i) => (i % 2 === 1 ? html`<code>${part}</code>` : part))}`

/** A type in a few words. */
function schemaHtml(schema: Schema): Html {
  if (schema.$ref) {
    const name = schema.$ref.split('/').at(-1)!
    return html`<a href="#${name}">${name}</a>`
  }
  if (schema.enum) return html`${schema.enum.map(value => JSON.stringify(value)).join(' | ')}${preset(schema)}`
  if (schema.anyOf) return html`${schema.anyOf.map((each, i) => html`${i > 0 ? ' | ' : ''}${schemaHtml(each)}`)}`
  if (schema.type === 'array') return html`array of ${schemaHtml(schema.items ?? {})}`
  if (schema.properties)
    return html`{
    ${Object.entries(schema.properties).map(
      ([name, each], i) =>
        html`${i > 0 ? ', ' : ''}${name}${schema.required?.includes(name) ? '' : '?'}: ${schemaHtml(each)}`,
    )}
    }`
  if (typeof schema.additionalProperties === 'object') return html`object of ${schemaHtml(schema.additionalProperties)}`
  const type = Array.isArray(schema.type) ? schema.type.join(' | ') : (schema.type ?? 'any')
  return html`${type}${range(schema)}${preset(schema)}`
}

function range({ minimum, maximum }: Schema): string {
  if (maximum === undefined || maximum >= Number.MAX_SAFE_INTEGER) return minimum ? ` from ${minimum}` : ''
  return ` from ${minimum ?? 0} to ${maximum}`
}

const preset = (schema: Schema): string =>
  schema.default === undefined ? '' : `, ${JSON.stringify(schema.default)} if left out`

const componentHtml = (name: string, schema: Schema): Html =>
  html`<h3 id="${name}">${name}</h3>
    ${prose(schema.description)}
    ${
      schema.properties
        ? html`<table>
            ${Object.entries(schema.properties).map(
              ([member, each]) =>
                html`<tr>
                  <td>
                    <code>${member}</code
                    >${schema.required?.includes(member) ? '' : html` <span class="soft">optional</span>`}
                  </td>
                  <td>${schemaHtml(each)}</td>
                  <td>${inline(each.description)}</td>
                </tr>`,
            )}
          </table>`
        : html`<p>${schemaHtml(schema)}</p>`
    }
    ${schema.example === undefined ? undefined : html`<pre>${JSON.stringify(schema.example, null, 2)}</pre>`}`

const errorsTable = (): Html =>
  html`<table>
    ${(Object.keys(errors) as ErrorName[])
      .filter(name => name !== 'NONE')
      .map(name => {
        const { code, status, retriable, sentence } = errors[name]
        return html`<tr id="${name}">
          <td><code>${name}</code></td>
          <td>${code}</td>
          <td>${status}</td>
          <td>${sentence}${retriable ? ' It may pass: try again.' : ''}</td>
        </tr>`
      })}
  </table>`
