"""Keras's operations: the classes by which its files speak of arithmetic, slicing and `keras.ops` in a graph.

One a word, by the module that Keras keeps them in. After "=" stands the function here where it is not the name in snake_case; after
":" the arguments that Keras keeps in the operation's config, while all others are what the operation is called with.

Not here: what takes a Python function (`Map`, `Scan`, `AssociativeScan`, `Switch`, `Cond`, `WhileLoop`, `ForiLoop`, `VectorizedMap`,
`JVP`), since no config can hold one, and `SegmentReduction`, of which nothing is made.
"""

TABLE = {
    "core": """
        SliceUpdate StopGradient
        Scatter: shape
        ScatterUpdate: reduction
        Slice: shape
        Unstack: num axis
        Cast: dtype
        SaturateCast: dtype
        ConvertToTensor: dtype sparse ragged
    """,
    "einops": """
        Rearrange
    """,
    "image": """
        RGBToGrayscale: data_format
        RGBToHSV: data_format
        HSVToRGB: data_format
        Resize: size interpolation antialias crop_to_aspect_ratio pad_to_aspect_ratio fill_mode fill_value data_format
        AffineTransform: interpolation fill_mode fill_value data_format
        ExtractPatches: size strides dilation_rate padding data_format
        MapCoordinates: order fill_mode fill_value
        PadImages: top_padding left_padding bottom_padding right_padding target_height target_width data_format
        CropImages: top_cropping left_cropping bottom_cropping right_cropping target_height target_width data_format
        PerspectiveTransform: interpolation fill_value data_format
        GaussianBlur: kernel_size sigma data_format
        ElasticTransform: alpha sigma interpolation fill_mode fill_value seed data_format
        ScaleAndTranslate: spatial_dims method antialias
        SobelEdges: data_format
        SSIM: max_val filter_size filter_sigma k1 k2 data_format
    """,
    "linalg": """
        Det Eig Eigh Inv LuFactor Solve
        Cholesky: upper
        CholeskyInverse: upper
        Norm: ord axis keepdims
        Qr: mode
        SolveTriangular: lower
        SVD: full_matrices compute_uv
        Lstsq: rcond
        MatrixRank: tol
        Pinv: rcond
    """,
    "math": """
        FFT FFT2 IFFT2 Rsqrt Erf Erfc Erfinv Logdet ViewAsComplex ViewAsReal
        SegmentSum: num_segments sorted
        SegmentMax: num_segments sorted
        SegmentMin: num_segments sorted
        SegmentProd: num_segments sorted
        TopK: k sorted
        InTopK: k
        Logsumexp: axis keepdims
        CDist=cdist
        ExtractSequences: sequence_length sequence_stride
        RFFT: fft_length
        IRFFT: fft_length
        STFT: sequence_length sequence_stride fft_length window center
        ISTFT: sequence_length sequence_stride fft_length length window center
    """,
    "nn": """
        Relu Relu6 Sigmoid SparseSigmoid Softplus Softsign SparsePlus Silu LogSigmoid HardSigmoid HardSilu Selu
        TanhShrink HardTanh Polar
        SoftShrink: threshold
        Squareplus: b
        LeakyRelu: negative_slope
        Elu: alpha
        Gelu: approximate
        Celu: alpha
        Glu: axis
        HardShrink: threshold
        Threshold: threshold default_value
        Softmax: axis
        LogSoftmax: axis
        Sparsemax: axis
        MaxPool: pool_size strides padding data_format
        AdaptiveMaxPool: output_size data_format
        AveragePool: pool_size strides padding data_format
        AdaptiveAveragePool: output_size data_format
        Conv: strides padding data_format dilation_rate
        DepthwiseConv: strides padding data_format dilation_rate
        SeparableConv: strides padding data_format dilation_rate
        ConvTranspose: strides padding output_padding data_format dilation_rate
        OneHot: num_classes axis dtype sparse
        BinaryCrossentropy: from_logits
        CategoricalCrossentropy: from_logits axis
        SparseCategoricalCrossentropy: from_logits axis
        MultiHot: num_classes axis dtype sparse
        Moments: axes keepdims synchronized
        BatchNorm=batch_normalization: axis epsilon
        CTCLoss: mask_index
        CTCDecode: strategy beam_width top_paths merge_repeated mask_index
        Normalize: axis order epsilon
        PSNR: max_val
        DotProductAttention: is_causal flash_attention attn_logits_soft_cap
        RMSNorm=rms_normalization: axis epsilon
        LayerNorm=layer_normalization: axis epsilon rms_scaling
        Unfold: kernel_size dilation padding stride
        Fold: output_size kernel_size dilation padding stride
        DepthToSpace: block_size data_format
        SpaceToDepth: block_size data_format
    """,
    "numpy": """
        Absolute Abs Fabs Add Angle Arccos Arccosh Arcsin Arcsinh Arctan Arctan2 Arctanh Heaviside BitwiseAnd
        BitwiseInvert BitwiseNot BitwiseOr BitwiseXor BitwiseLeftShift LeftShift BitwiseRightShift RightShift Cbrt Ceil
        Conjugate Conj Copy Cos Cosh Deg2rad Rad2deg Digitize Dot Dstack Equal Exp Exp2 Expm1 Fliplr Flipud Floor Gcd
        GetItem Greater GreaterEqual Hstack Hypot Imag I0 Isfinite Isinf Isnan Isneginf Isposinf Isreal Kron Lcm Ldexp
        Less LessEqual Log Log10 Log1p Log2 Logaddexp Logaddexp2 LogicalAnd LogicalNot LogicalOr Matmul Maximum Fmax
        Minimum Fmin Mod Fmod Ndim Nonzero NotEqual Outer Ravel Real Reciprocal Sign Signbit Sin Sinc Sinh Size Tan Tanh
        Trunc Vdot Inner Vstack Where Subtract Multiply Divide DivideNoNan TrueDivide Power Negative Nextafter Square
        Sqrt FloorDivide LogicalXor Corrcoef Select Slogdet
        Rot90: k axes
        All: axis keepdims
        AllClose=allclose: rtol atol equal_nan
        Any: axis keepdims
        Amax: axis keepdims
        Amin: axis keepdims
        Append: axis
        Arange: dtype
        Argmax: axis keepdims
        Argmin: axis keepdims
        Argsort: axis
        Array: dtype
        View: dtype
        Average: axis
        Bincount: weights minlength sparse
        BroadcastTo: shape
        Clip: x_min x_max
        Concatenate: axis
        CountNonzero: axis
        Cross: axisa axisb axisc axis
        Cumprod: axis dtype
        Cumsum: axis dtype
        Diag: k
        Diagflat: k
        Diagonal: offset axis1 axis2
        Diff: n axis
        Einsum: subscripts
        EmptyLike: dtype
        ExpandDims: axis
        Flip: axis
        Full: shape dtype
        FullLike: dtype
        Geomspace: num endpoint dtype axis
        Hsplit: indices_or_sections
        Isclose: equal_nan
        IsIn=isin: assume_unique invert
        Linspace: num endpoint retstep dtype axis
        Logspace: num endpoint base dtype axis
        Max: axis keepdims initial
        Median: axis keepdims
        Meshgrid: indexing
        Min: axis keepdims initial
        Moveaxis: source destination
        Nanargmax: axis keepdims
        Nanargmin: axis keepdims
        Nancumsum: axis dtype
        Nancumprod: axis dtype
        Nanmax: axis keepdims
        Nanmean: axis keepdims
        Nanmedian: axis keepdims
        Nanmin: axis keepdims
        Nanpercentile: axis method keepdims
        Nanprod: axis keepdims
        Nanquantile: axis method keepdims
        Nanstd: axis keepdims
        Nansum: axis keepdims
        Nanvar: axis keepdims
        NanToNum: nan posinf neginf
        OnesLike: dtype
        ZerosLike: dtype
        Pad: pad_width mode
        Percentile: axis method keepdims
        Prod: axis keepdims dtype
        Ptp: axis keepdims
        Quantile: axis method keepdims
        UnravelIndex: shape
        Repeat: repeats axis
        Reshape: newshape
        Roll: shift axis
        Round: decimals
        SearchSorted=searchsorted: side
        Sort: axis
        Split: indices_or_sections axis
        Stack: axis
        Std: axis keepdims
        Swapaxes: axis1 axis2
        Take: axis
        TakeAlongAxis: axis
        Tensordot: axes
        Tile: repeats
        Trace: offset axis1 axis2
        Tril: k
        Triu: k
        Vsplit: indices_or_sections
        Squeeze: axis
        Transpose: axes
        Trapezoid: x dx axis
        Mean: axis keepdims
        Vander: N increasing
        Var: axis keepdims
        Sum: axis keepdims
        Correlate: mode
        Argpartition: kth axis
        Histogram: bins range
        ArraySplit: indices_or_sections axis
        Unique: sorted return_index return_inverse return_counts axis size fill_value
        Dsplit: indices_or_sections
    """,
    "activations": """
        Mish
        ReLU=relu: negative_slope max_value threshold
    """,
}
