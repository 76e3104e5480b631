// Deleting a version of a schema, or all of them: softly, so that what was written with it can still be read, or for good.

import { useState } from 'preact/hooks'
import { api } from '../api.ts'
import { Dialog, Field } from '../parts.tsx'
import { go } from '../route.ts'

interface Version {
  readonly version: number
  readonly isDeleted: boolean
}

interface Props {
  readonly subject: string
  /** All there are, deleted ones too. */
  readonly versions: readonly Version[]
  readonly shown: number
  readonly close: () => void
  readonly done: () => void
}

export function DeleteSchema({ subject, versions, shown, close, done }: Props) {
  const [what, setWhat] = useState(String(shown))
  const [forGood, setForGood] = useState(false)
  const [typed, setTyped] = useState('')
  const wanted = what === '' ? versions : versions.filter(({ version }) => String(version) === what)
  const isDeleted = wanted.every(one => one.isDeleted)
  const permanently = forGood || isDeleted
  const remove = async (): Promise<void> => {
    const path = `/subjects/${encodeURIComponent(subject)}${what === '' ? '' : `/versions/${what}`}`
    if (!isDeleted) await api(path, { method: 'DELETE' })
    if (permanently) await api(`${path}?permanent=true`, { method: 'DELETE' })
    if (permanently && wanted.length === versions.length) go('schemas')
    else done()
  }
  return (
    <Dialog
      title={`Delete from ${subject}`}
      close={close}
      action={permanently ? 'Delete for good' : 'Delete'}
      act={remove}
      danger
      blocked={permanently && typed !== subject}
    >
      <Field label="What">
        <select value={what} onChange={event => setWhat(event.currentTarget.value)}>
          {versions.map(({ version, isDeleted }) => (
            <option key={version} value={String(version)}>
              version {version}
              {isDeleted && ', deleted already'}
            </option>
          ))}
          <option value="">the subject with all its versions</option>
        </select>
      </Field>
      {!isDeleted && (
        <label class="check">
          <input type="checkbox" checked={forGood} onChange={event => setForGood(event.currentTarget.checked)} /> For
          good
        </label>
      )}
      <p>
        {permanently
          ? 'Nothing of it is kept: records that were written with its id can no longer be read as JSON, unless another subject has the same schema.'
          : 'It is shown no more and nothing is checked against it, but its id stays, so records written with it can be read. Whoever registers the same schema again brings it back.'}
      </p>
      {permanently && (
        <Field label={`Type ${subject} to confirm`}>
          <input value={typed} onInput={event => setTyped(event.currentTarget.value)} />
        </Field>
      )}
    </Dialog>
  )
}
