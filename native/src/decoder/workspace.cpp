#include "decoder/workspace.h"

namespace unsam {

void Workspace::reserve_rows(std::size_t rows) {
  for (Buffer<float>* b : {&position, &queries, &with_position, &q, &k, &v, &mixed, &update}) b->reserve(rows * kDim);
  hidden.reserve(rows * kMlp);
  for (Buffer<float>* b : {&query, &key, &value1, &value2, &attention}) b->reserve(rows * kInner);
  for (Buffer<float>* b : {&head_a, &head_b}) b->reserve(kMaxSlots * kGroupPrompts * kDim);
}

WorkspacePool::Handle WorkspacePool::take() {
  std::unique_ptr<Workspace> workspace;
  {
    const std::lock_guard lock(mutex_);
    if (!free_.empty()) {
      workspace = std::move(free_.back());
      free_.pop_back();
    }
  }
  if (!workspace) workspace = std::make_unique<Workspace>();
  return Handle(workspace.release(), [this](Workspace* used) {
    std::unique_ptr<Workspace> back(used);
    const std::lock_guard lock(mutex_);
    free_.push_back(std::move(back));
  });
}

}  // namespace unsam
