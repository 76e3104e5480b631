import { array, bool, int16, int32, int64, string } from '../../../protocol/schema.ts'
import { codeOf } from '../../../protocol/errors.ts'
import { bounds } from '../../../protocol/schema.ts'
import { api, type AnyApi } from '../api.ts'

/**
 * Which APIs in which versions this broker serves; the first request of nearly every client.
 * A request of a version unknown here is answered in v0 with UNSUPPORTED_VERSION and the list (KIP-511). v3 is flexible, except
 * for its response header, and tells the client's software; v4 allows features that start at version 0 (KAFKA-17011).
 */
export const apiVersions = api({
  key: 18,
  name: 'ApiVersions',
  versions: '0-4',
  flexible: '3+',
  request: {
    clientSoftwareName: string().in('3+'),
    clientSoftwareVersion: string().in('3+'),
  },
  response: {
    errorCode: int16(),
    apiKeys: array({
      apiKey: int16(),
      minVersion: int16(),
      maxVersion: int16(),
    }),
    throttleTimeMs: int32().in('1+'),
    supportedFeatures: array({
      name: string(),
      minVersion: int16(),
      maxVersion: int16(),
    }).tagged(0, '3+'),
    finalizedFeaturesEpoch: int64().tagged(1, '3+').or(-1),
    finalizedFeatures: array({
      name: string(),
      maxVersionLevel: int16(),
      minVersionLevel: int16(),
    }).tagged(2, '3+'),
    zkMigrationReady: bool().tagged(3, '3+').or(false),
  },
  handle(request, { version, announced }) {
    const unreadable =
      version >= 3 && !(SOFTWARE.test(request.clientSoftwareName) && SOFTWARE.test(request.clientSoftwareVersion))
    const errorCode = codeOf(unreadable ? 'INVALID_REQUEST' : 'NONE')
    return { errorCode, apiKeys: versionsOf(announced), ...(unreadable ? {} : featuresIn(version)) }
  },
})

/** With it, clients let every transaction have an epoch of its own (KIP-890). Before v4, no feature begins at 0. */
const TRANSACTIONS = 'transaction.version'
const featuresIn = (version: number) => ({
  supportedFeatures: [{ name: TRANSACTIONS, minVersion: version >= 4 ? 0 : 1, maxVersion: 2 }],
  finalizedFeaturesEpoch: 0,
  finalizedFeatures: [{ name: TRANSACTIONS, maxVersionLevel: 2, minVersionLevel: 2 }],
})

/** KIP-511: what a client may call itself. */
const SOFTWARE = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/

/** The ranges of versions that this broker answers; Produce as Kafka announces it, for old librdkafka (KAFKA-18659). */
export const versionsOf = (announced: readonly AnyApi[]) =>
  announced.map(({ key, versions }) => {
    const [minVersion, maxVersion] = bounds(versions)
    return { apiKey: key, minVersion: key === PRODUCE ? 0 : minVersion, maxVersion }
  })

const PRODUCE = 0
