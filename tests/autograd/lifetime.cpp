// Objects of every public type that live as long as the program, or as their thread, and end before or after what the
// library keeps for that thread. A sanitizer has to see it: the memory that a wrong order touches is freed by then.
#include <autograd/autograd.h>
#include <fmt/format.h>
#include <nn/nn.h>

#include <memory>
#include <thread>
#include <vector>

using namespace ebb;

namespace {

// Objects that end in the order in which they were added, or the other way round.
class Held {
 public:
  explicit Held(bool first_to_last) : first_to_last_(first_to_last) {}
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;
  ~Held() {
    while (!objects_.empty()) objects_.erase(first_to_last_ ? objects_.begin() : objects_.end() - 1);
  }

  template <class T>
  T& add(std::unique_ptr<T> object) {
    T& result = *object;
    objects_.push_back(std::move(object));
    return result;
  }
  template <class T, class... Arguments>
  T& make(Arguments&&... arguments) {
    return add(std::unique_ptr<T>(new T(std::forward<Arguments>(arguments)...)));
  }

 private:
  bool first_to_last_;
  std::vector<std::shared_ptr<void>> objects_;
};

void fill(Held& held) {
  auto& rng = held.make<Rng>(1);
  const Tensor& x = held.make<Tensor>(normal({6, 2, 3}, 0, 1, rng));
  held.make<Tensor>(reshape(x, {12, 3}));
  held.make<NestedValues>(NestedValues{1, 2});
  held.make<Shape>(Shape{1, 2, 3});

  auto& rnn = held.make<nn::Rnn>(nn::RnnOptions{.inputs = 3, .hidden = 4}, rng);
  auto& readout = held.make<nn::Linear>(nn::LinearOptions{.inputs = 4, .outputs = 2}, rng);
  auto& parameters = held.make<nn::Parameters>(nn::Parameters{{"rnn", rnn}, {"readout", readout}});
  auto& sgd = held.make<nn::Sgd>(parameters, nn::SgdOptions{.momentum = 0.9});
  auto& adam = held.make<nn::Adam>(parameters);

  auto& outer = held.make<Tape>();
  auto& outer_scope = held.make<Scope>("outer");
  (void)outer_scope;
  const Tensor& before = held.make<Tensor>(tanh(x));
  auto& tape = held.make<Tape>();
  held.make<Scope>("scope");
  held.make<Transaction>();
  auto& run = held.make<nn::Unrolled>(rnn(before));
  const Tensor& loss = held.make<Tensor>(mean(square(readout(run.last()))));
  auto& jacobian = held.make<Jacobian>(tape.jacobian(loss, run.states[2]));
  (void)held.make<Tensor>(jacobian.matrix());
  auto& flow = held.make<nn::GradientFlow>(rnn, run, nn::GradientFlowOptions{.contributions = true});
  auto& omega = held.make<nn::Omega>(rnn, run);
  auto& observer = held.make<Observer>([a = flow.observer(), b = omega.observer()](const Record& r, const Tensor& g) {
    a(r, g);
    b(r, g);
  });
  auto& gradients = held.make<std::vector<Tensor>>(tape.gradients(loss, parameters.tensors(), {.observer = observer}));
  held.make<nn::OmegaValue>(omega.value());
  held.make<nn::Saturation>(nn::saturation(rnn, run));
  held.make<nn::Transport>(nn::transport(rnn, held.make<Tensor>(ones({3, 1, 3})), held.make<Tensor>(zeros({1, 4}))));
  held.make<Tensor>(tape.hessian_vector_product(loss, readout.b, ones({2})));
  held.make<Tensor>(checkpointed([](const Tensor& in) { return tanh(in) * in; }, before));
  held.make<TapeMemory>(outer.memory());
  held.make<std::string>(fmt::format("{}", tape));
  held.make<Pause>();
  sgd.step(gradients);
  adam.step(gradients);
  auto& shards = held.make<nn::DataParallel>(nn::DataParallelOptions{.shards = 2, .threads = 2});
  (void)shards.loss_and_gradients(2, gradients, [&](const nn::Shard& shard, std::span<Tensor> results) {
    Tape own;
    const Tensor shards_loss = mean(square(readout(rnn(shard.rows(x, 1)).last())));
    own.gradients(shards_loss, parameters.tensors(), results);
    return shards_loss;
  });
  held.make<Edit<float>>(rnn.W)(0, 0) = 1;
}

// Uses what the library keeps for a thread, so that it is made now and ends before what was made earlier.
void use_the_library() {
  Tape tape;
  const Tensor x = ones({100});
  (void)tape.gradient(sum(x * x), x);
}

// Made before the library keeps anything for the thread, and after that.
template <class Use>
void on_this_thread(Use use) {
  thread_local Held earlier_forwards(true), earlier_backwards(false);
  use(earlier_forwards), use(earlier_backwards);
  thread_local Held later_forwards(true), later_backwards(false);
  use(later_forwards), use(later_backwards);
}

Held forwards(true), backwards(false);
std::unique_ptr<Tape> only_a_tape, inner_tape, outer_tape;  // the outer one ends first

}  // namespace

int main() {
  std::thread([] { on_this_thread(fill); }).join();
  std::thread([] {
    use_the_library();
    on_this_thread(fill);
    release_memory();
  }).join();
  std::thread([] {
    thread_local std::unique_ptr<Tape> tape;
    tape = std::make_unique<Tape>();
    use_the_library();
  }).join();
  on_this_thread(fill);
  fill(forwards);
  fill(backwards);
  only_a_tape = std::make_unique<Tape>();
  use_the_library();
  thread_local std::unique_ptr<Pause> pause;
  pause = std::make_unique<Pause>();
  outer_tape = std::make_unique<Tape>();
  inner_tape = std::make_unique<Tape>();
  use_the_library();
  fmt::print("all is made\n");
}
