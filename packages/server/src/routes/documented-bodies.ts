import { urlRequest } from "../schemas/requests.js";

const binary = { type: "string", format: "binary" } as const;

/** The bodies of which a photo is read, for the description. */
export const photoBodies = {
  content: {
    "image/*": { schema: binary },
    "multipart/form-data": {
      schema: { type: "object", required: ["image"], properties: { image: binary } },
    },
    "application/json": { schema: urlRequest },
  },
};

/** A photo with prompts. */
export const photoAndPrompts = {
  content: {
    "multipart/form-data": {
      schema: {
        type: "object",
        required: ["image", "request"],
        properties: {
          image: binary,
          request: { type: "string", description: "The body of /v1/images/{id}/segment, as JSON." },
        },
      },
    },
  },
};
