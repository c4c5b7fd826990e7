import type { FastifyRequest } from "fastify";
import Negotiator from "negotiator";
import { ServiceError } from "../service-error.js";

/** The media type that a client likes best among those that there are; the first where it does not care. Throws 406. */
export function preferredType<Type extends string>(request: FastifyRequest, types: readonly Type[]): Type {
  const found = new Negotiator(request).mediaType([...types]);
  if (found !== undefined) return found as Type;
  throw new ServiceError(406, "E_NOT_ACCEPTABLE", `This is answered as ${types.join(" or ")}.`);
}
