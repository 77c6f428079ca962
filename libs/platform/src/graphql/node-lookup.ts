import { Injectable, SetMetadata, applyDecorators } from '@nestjs/common';
import type { Viewer } from '../viewer.js';

/**
 * Finds the object behind a global id for `node(id:)`, applying the same access as the object's own field. A provider
 * marked with {@link NodeLookup} is found by the API.
 */
export interface NodeSource {
  /** GraphQL type name, as in the global id. */
  readonly typeName: string;
  find(id: string, viewer: Viewer): Promise<object | null>;
}

export const NODE_LOOKUP = 'commonweights:node-lookup';
export const NodeLookup = (): ClassDecorator => applyDecorators(Injectable(), SetMetadata(NODE_LOOKUP, true));
