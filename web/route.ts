// Where the page is: `#/topics/orders/records?partition=2`, so that every screen has a URL and Back works.

import { useEffect, useState } from 'preact/hooks'

export interface Place {
  readonly parts: readonly string[]
  readonly query: URLSearchParams
}

function here(): Place {
  const [path = '', query = ''] = location.hash.replace(/^#\/?/, '').split('?')
  return {
    parts: path
      .split('/')
      .filter(part => part !== '')
      .map(decoded),
    query: new URLSearchParams(query),
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

export function usePlace(): Place {
  const [place, setPlace] = useState(here)
  useEffect(() => {
    const moved = (): void => setPlace(here())
    addEventListener('hashchange', moved)
    return () => removeEventListener('hashchange', moved)
  }, [])
  return place
}

export const href = (...parts: readonly string[]): string => `#/${parts.map(encodeURIComponent).join('/')}`

export function go(...parts: readonly string[]): void {
  location.hash = href(...parts)
}
