import { isStatus } from './api-error.ts';
import { type Resource, resources } from './request.ts';

/** What is asked of EndpointSlices: before Kubernetes 1.21 they are v1beta1. Rejects as `ask` does. */
export async function ofSlices<T>(ask: (resource: Resource) => Promise<T>): Promise<T> {
  try {
    return await ask(resources.endpointslices);
  } catch (error) {
    if (!isStatus(error, 404)) throw error;
    return ask(resources.endpointslicesBeta);
  }
}
