import { gunzipSync } from "node:zlib";

// What version 1 of both formats holds, as the first release wrote it: later ones must go on reading it.

/** A picture of 48 × 36 pixels: a disc and two rectangles on a plain ground. */
export function savedPicture() {
  const [width, height] = [48, 36];
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const disc = (x - 16) ** 2 + (y - 18) ** 2 < 144;
      const outer = x > 30 && y < 20;
      const inner = x > 34 && x < 42 && y > 4 && y < 12;
      const color = inner ? [240, 240, 40] : outer ? [40, 160, 60] : disc ? [200, 40, 40] : [30, 40, 90];
      data.set(color, 3 * (y * width + x));
    }
  }
  return { data, width, height, channels: 3 as const };
}

/** `scene.save` of `everything()` by the region tree. */
export const savedScene = `{"format":"unsam-scene","version":1,"width":48,"height":36,"containment":0.8,"masks":[
{"score":1,"stability":1,"granularity":1,"point":[12.5,7.5],"parent":null,"level":65534,"counts":"R69i04M2N2N2N2O0O2O0000000000000001N101N2N2N2N3LTf0"},
{"score":1,"stability":1,"granularity":1,"point":[0.5,0.5],"parent":null,"level":65534,"counts":"0R69gJ4M2N2N2N2O0O2O0000000000000001N101N2N2N2N3LP3:hL1O000000000000000000000000000000"},
{"score":1,"stability":1,"granularity":0.6842404163403084,"point":[0.5,18.5],"parent":1,"level":44841,"counts":"b0b0b000000005K2N1O1O1O1O001O0000000000000000O100O1O1O1O1N2L4O1001O1O000000000000000000000000000000"},
{"score":1,"stability":1,"granularity":0.13233095514188042,"point":[0.5,18.5],"parent":2,"level":8672,"counts":"b0b0b000000005K2N1O1O1O1O001O000000RS1"},
{"score":1,"stability":1,"granularity":0.48679817621781485,"point":[29.5,18.5],"parent":2,"level":31902,"counts":"nb06n00000000O100O1O1O1O1N2L4O1001O1O000000000000000000000000000000"},
{"score":1,"stability":1,"granularity":0.39958041308411196,"point":[0.5,0.5],"parent":1,"level":26186,"counts":"0b0b000000000L4N2O1O1O1O100O100000000000000001O001O1O1O1O2N5KO10Tc0"},
{"score":1,"stability":1,"granularity":0.1,"point":[16.5,0.5],"parent":5,"level":6553,"counts":"Pb07m0000000001O001O1O1O1O2N5KO10Tc0"},
{"score":1,"stability":1,"granularity":0.15243759575290833,"point":[0.5,0.5],"parent":5,"level":9990,"counts":"0b0b000000000L4N2O1O1O1O100O100000PT1"},
{"score":1,"stability":1,"granularity":1,"point":[31.5,0.5],"parent":null,"level":65534,"counts":"lR1c0a01O000000000000000000000000000000"},
{"score":1,"stability":1,"granularity":0.7070165930270927,"point":[31.5,0.5],"parent":8,"level":46334,"counts":"lR17m01O0000M300000XO1;OE39MG39MG39<00000000000"},
{"score":1,"stability":1,"granularity":0.22636687041129988,"point":[31.5,7.5],"parent":8,"level":14835,"counts":"SS1<i00O0004L00006Jb9"},
{"score":1,"stability":1,"granularity":0.1,"point":[35.5,5.5],"parent":8,"level":6553,"counts":"aW17m000000000000c6"}
]}
`;

/** `image.save` of the region tree, compressed. */
export const savedEncoding = gunzipSync(
  Buffer.from(
    [
      "H4sIANFKCWsC/82TwYvTQBTG2900bWPrdnHXVRQpc/CUwiYta+0hgwcFwZN4EJdShs2kCWySmozKUiooeFIW9lKqeBU8e/GqHgT9",
      "H0QEL3vck4IIvum+QFbpdntQDDzI++b3vXmTeRllM+OnTzodnwtmM8E6HdLqEyeMfCZIi9wJYubXeLAR2tyueT7rcqKTuzyKvTCA",
      "dQOye54tXHhvNCFxudd1pbO+BpkPtk1IIt4FviYiLu2OF3R51Iu8QBxcq5lkoJNNzpzrsLFsxBZbPQ7Q1boJxthlMls36hd1s62T",
      "ccOh48RcAL2+qhuGYbahRI9FXBafWODCn27phQLNVVlg/xgHWrhyhApNaMFsNGWFjTAQEYvFjCXArRt1Y609GFQrcDfyihYg5iAW",
      "IfIQ/1pXUJeRg1Bn5ErIFffHLaMhn0VmfoJPQ6aMvkJqH/U3voD1k34yuH4YX0B+EXl1Cp9H/gTyuSm8ivwy8gryeVzTZuRyyK0g",
      "N/8fckqKyyI3h57krMUJvJKahcO4JeRm1VXUk++8PEXPo57c98nUOZTU3KygXkQ9mb9TqGuoJ3N8GvUS6sl/cQb1CurVv5hrGCWM",
      "4xDHsJcivpdRL+OZFtBbyRztub/XsH6M3lj6u/dWdfujdTNcos+2ztHzo7fjeK4Oqbvbp+L7Qzr6+Zh+bj2gl7cpffrhNv1y6xp9",
      "ZF2ima82fbHzhH57OaCvX+3QT2eHtHFjOPbKPX4BmyW8S8QGAAA=",
    ].join(""),
    "base64",
  ),
);
