BY_ABI = {}
