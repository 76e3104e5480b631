// A form that registers a schema. Before it does, it can be asked whether the change is allowed.

import { useState } from 'preact/hooks'
import { api, type Problem } from '../api.ts'
import { toProblem } from '../loading.ts'
import { Dialog, Field, Wrong } from '../parts.tsx'
import { go } from '../route.ts'

interface Props {
  readonly subject?: string
  readonly type?: string
  readonly schema?: string
  readonly close: () => void
  readonly done: () => void
}

const EXAMPLE = '{\n  "type": "record",\n  "name": "Order",\n  "fields": [{ "name": "id", "type": "string" }]\n}'

export function Register({ subject, type = 'AVRO', schema = EXAMPLE, close, done }: Props) {
  const [name, setName] = useState(subject ?? '')
  const [schemaType, setSchemaType] = useState(type)
  const [text, setText] = useState(schema)
  const [verdict, setVerdict] = useState<readonly string[]>()
  const [problem, setProblem] = useState<Problem>()
  const body = { schema: text, schemaType }
  const path = `/subjects/${encodeURIComponent(name)}/versions`
  const check = async (): Promise<void> => {
    setProblem(undefined)
    setVerdict(undefined)
    try {
      const answer = await api<{ is_compatible: boolean; messages?: string[] }>(`/compatibility${path}?verbose=true`, {
        body,
      })
      setVerdict(answer.is_compatible ? [] : (answer.messages ?? ['It is not compatible.']))
    } catch (error) {
      setProblem(toProblem(error))
    }
  }
  const register = async (): Promise<void> => {
    await api(path, { body })
    done()
    if (subject === undefined) go('schemas', name)
  }
  return (
    <Dialog
      title={subject === undefined ? 'Register schema' : `New version of ${subject}`}
      close={close}
      action="Register"
      act={register}
      blocked={name === ''}
    >
      {subject === undefined && (
        <div class="pair">
          <Field label="Subject" hint="orders-value: for the values of topic orders">
            <input autofocus required value={name} onInput={event => setName(event.currentTarget.value)} />
          </Field>
          <Field label="Type">
            <select value={schemaType} onChange={event => setSchemaType(event.currentTarget.value)}>
              <option value="AVRO">Avro</option>
              <option value="JSON">JSON Schema</option>
              <option value="PROTOBUF">Protobuf</option>
            </select>
          </Field>
        </div>
      )}
      <Field label="Schema">
        <textarea
          rows={14}
          class="mono"
          spellcheck={false}
          value={text}
          onInput={event => setText(event.currentTarget.value)}
        />
      </Field>
      {subject !== undefined && (
        <p>
          <button type="button" onClick={check}>
            Is it compatible?
          </button>{' '}
          {verdict?.length === 0 && (
            <span class="done" role="status">
              Yes.
            </span>
          )}
        </p>
      )}
      <Wrong problem={problem} />
      {verdict && verdict.length > 0 && (
        <ul class="wrong" role="alert">
          {verdict.map(message => (
            <li key={message}>{message}</li>
          ))}
        </ul>
      )}
    </Dialog>
  )
}
