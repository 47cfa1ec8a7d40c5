// What torch asks of a CUDA device before any kernel runs: a guard that does nothing, and hooks that say "one device".
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>

namespace at {
struct Guard final : c10::impl::NoOpDeviceGuardImpl<c10::DeviceType::CUDA> {
  static Device one() { return Device(c10::DeviceType::CUDA, 0); }
  static Stream only() { return Stream(Stream::DEFAULT, one()); }
  Device exchangeDevice(Device) const override { return one(); }
  Device getDevice() const override { return one(); }
  Stream getStream(Device) const noexcept override { return only(); }
  Stream getNewStream(Device, int) const override { return only(); }
  Stream exchangeStream(Stream) const noexcept override { return only(); }
  void record(void**, const Stream&, const DeviceIndex, const c10::EventFlag) const override {}
  void block(void*, const Stream&) const override {}
  bool queryEvent(void*) const override { return true; }
};
C10_REGISTER_GUARD_IMPL(CUDA, Guard);

// Without `override`: some of these are not in every version of torch.
struct CUDAHooks final : CUDAHooksInterface {
  explicit CUDAHooks(CUDAHooksArgs) {}
  void init() const {}
  bool isBuilt() const { return true; }
  bool isAvailable() const { return true; }
  bool hasCUDA() const { return true; }
  bool hasPrimaryContext(DeviceIndex) const { return true; }
  int getNumGPUs() const { return 1; }
  DeviceIndex deviceCount() const { return 1; }
  DeviceIndex getCurrentDevice() const { return 0; }
};
REGISTER_CUDA_HOOKS(CUDAHooks);
}  // namespace at
