import { adoptPrivateMounts, hideHybridCgroup, serveHelper } from '../host/index.ts'
import { keeperMethods } from './keeper-methods.ts'

// The program of the keeper process: it starts in a mount namespace of its own (see keeper-client.ts).
adoptPrivateMounts()
hideHybridCgroup()
serveHelper(keeperMethods)
