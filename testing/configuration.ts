// What workerd is told, in its own language (workerd.capnp of the package workerd): one Worker, its objects on disk, the
// files beside it, and the sockets it listens on.

import { join } from 'node:path'
import { HOST } from './ports.ts'
import type { Settings } from './settings.ts'

export interface Configuration {
  readonly settings: Settings
  /** Besides those of wrangler.toml. */
  readonly flags: readonly string[]
  /** The file of the Worker, beside that of the configuration. */
  readonly code: string
  /** Settings of the Worker. Their values come by the environment: some are secrets. */
  readonly vars: readonly string[]
  /** An absolute path to the folder of everything objects store. */
  readonly storage: string
  readonly assetsPort: number
  readonly httpPort: number
  readonly kafkaPorts: readonly number[]
}

export function configurationText(configuration: Configuration): string {
  const { settings, flags, code, vars, storage, assetsPort, httpPort, kafkaPorts } = configuration
  const { objects } = settings
  return `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  logging = (structuredLogging = true),
  services = [
    (name = "worker", worker = (
      modules = [(name = "worker.js", esModule = embed ${text(code)})],
      compatibilityDate = ${text(settings.compatibilityDate)},
      compatibilityFlags = ${list([...settings.compatibilityFlags, ...flags].map(text))},
      bindings = ${list([
        ...vars.map(name => `(name = ${text(name)}, fromEnvironment = ${text(name)})`),
        ...objects.map(
          ({ binding, className }) => `(name = ${text(binding)}, durableObjectNamespace = ${text(className)})`,
        ),
        '(name = "ASSETS", service = "assets")',
        '(name = "PARTITION_FILES", service = "partition-files")',
      ])},
      durableObjectNamespaces = ${list(
        objects.map(
          ({ className }) =>
            `(className = ${text(className)}, enableSql = true, uniqueKey = ${text(objectsFolder(settings, className))})`,
        ),
      )},
      durableObjectStorage = (localDisk = "storage"),
    )),
    (name = "storage", disk = (path = ${text(storage)}, writable = true)),
    (name = "partition-files", disk = (path = ${text(partitionFolder(storage, settings))}, writable = true)),
    (name = "assets", external = (address = "${HOST}:${assetsPort}", http = ())),
  ],
  sockets = ${list([
    `(name = "http", address = "${HOST}:${httpPort}", http = (), service = "worker")`,
    ...kafkaPorts.map(
      (port, broker) => `(name = "kafka-${broker}", address = "${HOST}:${port}", tcp = (), service = "worker")`,
    ),
  ])},
);
`
}

/** Where the objects of a class are, in the folder of everything; as `wrangler dev` has it, so that one folder serves both. */
export const objectsFolder = ({ name }: Settings, className: string): string => `${name}-${className}`

/** Where the partitions' objects are, in the folder of everything (src/objects/partition-files.ts). */
export const partitionFolder = (storage: string, settings: Settings): string =>
  join(storage, objectsFolder(settings, 'PartitionObject'))

const text = (value: string): string => JSON.stringify(value)

const list = (items: readonly string[]): string => `[${items.map(item => `\n        ${item},`).join('')}\n      ]`
