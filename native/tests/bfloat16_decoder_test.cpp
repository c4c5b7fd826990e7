// The bfloat16 decoder on any processor: its passes with kernels in plain loops, against the plain decoder. Short prompts, long
// ones, and both with mask prompts.
#include "cpu/isa.h"
#include "decoder/cpu/group.h"
#include "decoder_cases.h"
#include "reference/bfloat16_kernels.h"
#include "test.h"

using namespace unsam;

TEST("a bfloat16 decoder agrees with the plain decoder, with kernels in plain loops") {
  Kernels kernels = *kernels_named("portable");
  kernels.bf16 = &reference::bfloat16_kernels();
  test::Random random(71);
  test::Worst worst;
  for (const bool granularity : {true, false}) {
    const RandomModel model(granularity ? 72 : 73, granularity);
    const DecoderWeights weights = model.weights();
    const reference::Decoder plain(weights);
    const Folded folded(weights);
    const TermMatrices mixtures = PromptMatrices{folded, kernels, kernels.bf16}.of_mixtures();
    ThreadTeam team(2);
    Workspace workspace;
    for (const std::size_t side : {3, 9}) {
      const RandomFeatures features(random(), side);
      const auto image = prepare_image(folded, kernels, team, kernels.bf16, features.view(),
                                       position_products(folded, kernels, team, kernels.bf16, side));
      const test::Batch batch = test::long_batch(random, side, {1, 2, 3, 30, 90, 40}, granularity);
      GroupDecoder group(folded, mixtures, kernels, kernels.bf16, *image, workspace, team);
      CHECK(group.group_size(batch.prompts) == batch.prompts.size());
      std::vector<DecodedMasks> results(batch.prompts.size());
      group.decode(batch.prompts, {.multimask = true}, results);
      for (std::size_t p = 0; p < results.size(); ++p) {
        worst.compare(results[p], plain.run(features.view(), batch.prompts[p]), side, granularity, true);
      }
    }
  }
  worst.check(2e-2);
}
